//! A topic behind an authority of one's own.

use crate::harness::World;
use crate::job_run::configured;
use crate::sinks::Sink;
use crate::wire::Certificate;

#[test]
fn a_topic_is_believed_by_the_file_that_s3_is_believed_by() {
    let world = World::pair();
    let certificate = Certificate::local(world.state.path());
    let sink = Sink::https(&[400], &certificate);
    let endpoint = sink.url();
    let tell = |more: &str, environment: &[(&str, &str)]| {
        let topic = "topic_arn = \"arn:aws:sns:us-east-1:123456789012:alerts\"";
        let sns = format!("[notifications.ops]\nsns = {{ {topic}, endpoint_url = \"{endpoint}\"{more} }}\n");
        let file = configured(&world, &sns);
        world.spawn_with(&["config", "notify", "ops", "--config", &file], environment).wait().exits(4)
    };
    tell("", &[]).says(&["arn:aws:sns", "UnknownIssuer", "ca_bundle"]);
    // Believed, it is asked; this one then answers nonsense.
    let path = certificate.path();
    for done in [tell(&format!(", ca_bundle = \"{path}\""), &[]), tell("", &[("AWS_CA_BUNDLE", &path)])] {
        assert!(!done.stderr.contains("UnknownIssuer"), "{}", done.stderr);
    }
}
