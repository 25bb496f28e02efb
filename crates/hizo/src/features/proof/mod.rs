//! Proving to strangers what was held and since when.

#[cfg_attr(not(test), expect(dead_code, reason = "`hizo proof` is what asks for certificates"))]
pub(crate) mod certificate;
