//! Where the file is.

use std::path::{Path, PathBuf};

const NAME: &str = "s3twin.toml";

/// The file: given, else `./s3twin.toml`, else the user's.
///
/// # Errors
/// Names the places that were looked at.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let places = places(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from));
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    Err(format!(
        "there is no s3twin.toml; looked for {}. Name one with --config FILE or S3TWIN_CONFIG, or begin with \
         `s3twin config example > s3twin.toml`",
        looked.join(", ")
    ))
}

fn places(of: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let user = of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|home| home.join(".config")));
    let mut places = vec![PathBuf::from(NAME)];
    places.extend(user.map(|base| base.join("s3twin").join(NAME)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_directory_comes_before_the_home() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/ann"));
        assert_eq!(
            places(home),
            [Path::new("s3twin.toml"), Path::new("/home/ann/.config/s3twin/s3twin.toml")]
        );
        let both = |name: &str| Some(PathBuf::from(format!("/{}", name.to_lowercase())));
        assert_eq!(places(both)[1], Path::new("/xdg_config_home/s3twin/s3twin.toml"));
        assert_eq!(places(|_| None).len(), 1);
    }
}
