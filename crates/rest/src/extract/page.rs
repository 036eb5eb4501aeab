//! Which part of a list a client wants.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use merak_authz::Page;
use merak_service::PageSize;

use crate::app::ApiSettings;
use crate::error::{ApiError, ErrorKind};
use crate::extract::QueryMap;

/// The part of a list a client wants. Without `pageToken` it does not know of pages, and gets
/// everything, whatever `pageSize` says, but where pages were switched on by a setting.
pub(crate) struct PageRequest {
    /// What to look up: one entry more than the page has, which tells whether another page follows.
    pub(crate) page: Page,
    /// How many entries the page has.
    pub(crate) size: PageSize,
    /// Why the token is none. It counts only where lists come in pages, which is known once the
    /// catalog is found.
    pub(crate) refusal: Option<ApiError>,
}

/// What a token begins with, so that one of another make is told apart.
const TOKEN_PREFIX: &str = "m1:";

impl PageRequest {
    /// Reads `pageToken` and `pageSize`.
    pub(crate) fn of(query: &QueryMap, settings: &ApiSettings) -> Result<Self, ApiError> {
        let size = query.get("pageSize").map(parse_size).transpose()?;
        let most = |size: u32| size.min(settings.max_page_size);
        let size = size.filter(|size| *size > 0);
        let Some(token) = query.get("pageToken") else {
            let size = size.map_or(PageSize::All, |size| PageSize::Untold(most(size)));
            return Ok(Self { page: Page::default(), size, refusal: None });
        };
        let (after, refusal) = match token {
            "" => (None, None),
            token => match parse_token(token) {
                Ok(after) => (Some(after), None),
                Err(error) => (None, Some(error)),
            },
        };
        let size = most(size.unwrap_or(settings.page_size));
        let page = Page { after, limit: Some(size.saturating_add(1)) };
        Ok(Self { page, size: PageSize::Page(size), refusal })
    }
}

/// The token that continues after a name.
pub(crate) fn next_page_token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_PREFIX}{after}"))
}

fn parse_token(token: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(TOKEN_PREFIX).map(str::to_owned))
        .filter(|name| !name.contains('\0'))
        .ok_or_else(|| {
            ApiError::new(
                ErrorKind::BadRequest,
                "Invalid page token: it must be the next-page-token of an earlier answer, or empty",
            )
        })
}

fn parse_size(text: &str) -> Result<u32, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(ErrorKind::BadRequest, format!("pageSize must be a whole number: {text}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_name() {
        assert_eq!(parse_token(&next_page_token("größe\u{1f}x")).unwrap(), "größe\u{1f}x");
    }

    #[test]
    fn a_token_of_another_make_is_refused() {
        for bad in ["x", "bTI6YQ", "%%%", "bTE6AA", "////"] {
            assert!(parse_token(bad).is_err(), "{bad} was accepted");
        }
    }
}
