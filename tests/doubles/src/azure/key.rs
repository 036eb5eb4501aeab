//! Get User Delegation Key.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key>

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::Duration;

use super::access::{Caller, authenticated};
use super::answer::Refusal;
use super::place::Place;
use super::state::State;
use crate::http_text::{iso_date, parsed_date, xml_contents};
use crate::serving::Asked;

/// A key may live this long, and may begin or end no further away.
const LONGEST: Duration = Duration::days(7);

pub(crate) fn answer(state: &State, asked: &Asked, place: &Place) -> Result<Response, Refusal> {
    let caller = authenticated(state, asked, place)?;
    // A key is not for making keys.
    let Caller::Bearer(token) = caller else { return Err(Refusal::outside()) };
    if !state.may_delegate(&token.object_id, &place.account) {
        return Err(Refusal::permission());
    }
    let body = String::from_utf8_lossy(&asked.body);
    let invalid = |message: &str| Refusal::invalid("InvalidXmlDocument", message);
    if !body.contains("<KeyInfo>") {
        return Err(invalid("XML specified is not syntactically valid."));
    }
    let value = Refusal::invalid(
        "InvalidXmlNodeValue",
        "The value for one of the XML nodes is not in the correct format.",
    );
    let time = |name: &str| match xml_contents(&body, name).as_slice() {
        [text] => parsed_date(text).ok_or_else(|| value.clone()),
        _ => Err(invalid("A required XML node was not specified in the request body.")),
    };
    let now = state.traffic.now();
    let (start, expiry) = (time("Start")?, time("Expiry")?);
    let is_near = start <= now + LONGEST && expiry <= now + LONGEST && expiry - start <= LONGEST;
    if !is_near || expiry <= start || expiry <= now {
        return Err(value);
    }
    let version = asked.header("x-ms-version").unwrap_or_default();
    let (start, expiry) = (iso_date(start), iso_date(expiry));
    let fields = [&*token.object_id, &*token.tenant, &*start, &*expiry, "b", version];
    let key = STANDARD.encode(state.delegation_key(&place.account, fields));
    let [object_id, tenant, start, expiry, service, version] = fields;
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>\
         <SignedOid>{object_id}</SignedOid><SignedTid>{tenant}</SignedTid>\
         <SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>\
         <SignedService>{service}</SignedService><SignedVersion>{version}</SignedVersion>\
         <Value>{key}</Value></UserDelegationKey>"
    );
    Ok(([(CONTENT_TYPE, "application/xml")], body).into_response())
}
