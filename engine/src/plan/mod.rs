//! Planning: which keys take part, what is to be done about a verdict, and the brakes.

mod action;
mod brakes;
mod filter;
mod heal;
mod pitr;
mod plan_file;
mod timeline;

pub use action::{Action, SyncRules, action_for};
pub use brakes::{Brakes, Survey};
pub use filter::{Filter, FilterError, FilterRule};
pub use heal::{Direction, Heal, HealRules, heal_for};
pub use pitr::{
    Goal, PlanRules, Planned, PlannedVersion, Step, Strategy, Uncertain, plan_elsewhere, plan_in_place,
    plan_version,
};
pub use plan_file::{
    PLAN_SCHEMA, PlanError, PlanHeader, PlanReader, PlanTotals, decode_row, encode_row, write_plan,
};
pub use timeline::{Doubt, DoubtRules, Moment, Then, state_at};
