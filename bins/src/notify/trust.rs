//! Who vouches for the servers that messages go through: the system's authorities, or those of `ca_bundle`.

use super::failure::Failure;
use std::path::Path;

/// What the file of authorities holds.
///
/// # Errors
/// When it cannot be read or holds no certificate.
pub(super) fn bundle(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |why: &str| {
        Failure::lasting(format!(
            "ca_bundle {} cannot be used: {why}. Name a file of PEM certificates",
            path.display()
        ))
    };
    let pem = std::fs::read(path).map_err(|error| cannot(&error.to_string()))?;
    if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
        return Err(cannot("it holds no certificate in PEM form"));
    }
    Ok(pem)
}

/// What to do about a certificate that is not believed; `None` if the error is about something else.
pub(super) fn advice(error: &str) -> Option<&'static str> {
    // The words of rustls.
    if !error.contains("certificate") {
        return None;
    }
    Some(if error.contains("expired") || error.contains("not valid yet") {
        "renew the server's certificate, or set the clock of this machine"
    } else if error.contains("not valid for name") || error.contains("NotValidForName") {
        "write the server's name as its certificate has it"
    } else {
        "nobody that this machine trusts vouches for the server: name its authority with ca_bundle = \"FILE.pem\""
    })
}
