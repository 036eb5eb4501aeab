//! Requests with an idempotency key: what they did is done once, and answered as often as they are
//! sent.
//!
//! Nothing is looked up before the work is done: a key is nearly always new. That it was sent before
//! is noticed where the answer is remembered, which is where the change is made; or by the error that
//! the request would get otherwise, such as that a table which it dropped is not there.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::operations::ReplayAnswer;
use merak_authz::{Authorized, Caller, Delegation, Error as AuthzError, TableAccess, TablePath};
use merak_model::TableIdent;
use merak_service::{
    AccessDelegation, Answer, Error as ServiceError, LoadOptions, Loaded, LoadedTable,
};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::RequestKey;
use crate::iceberg::namespaces;
use crate::polaris::{generic_tables, policies};

/// So many bytes of the text of a refusal are remembered.
const LONGEST_REFUSAL: usize = 4096;

/// How a request is answered again.
pub(crate) struct Told {
    catalog: String,
    table: Option<ToldTable>,
    generic_table: Option<(TableIdent, Delegation)>,
}

/// How a table is shown that an answer tells of.
struct ToldTable {
    ident: TableIdent,
    asked: AccessDelegation,
    show: fn(&LoadedTable) -> Response,
    is_view: bool,
}

impl Told {
    /// A request whose answer has no table in it.
    pub(crate) fn of(catalog: &str) -> Self {
        Self { catalog: catalog.to_owned(), table: None, generic_table: None }
    }

    /// A request whose answer shows a table, and what was asked for to reach its files.
    pub(crate) fn of_table(
        catalog: &str,
        ident: &TableIdent,
        asked: AccessDelegation,
        show: fn(&LoadedTable) -> Response,
    ) -> Self {
        let table = Some(ToldTable { ident: ident.clone(), asked, show, is_view: false });
        Self { table, ..Self::of(catalog) }
    }

    /// A request whose answer shows a view.
    pub(crate) fn of_view(
        catalog: &str,
        ident: &TableIdent,
        show: fn(&LoadedTable) -> Response,
    ) -> Self {
        let asked = AccessDelegation::default();
        let table = Some(ToldTable { ident: ident.clone(), asked, show, is_view: true });
        Self { table, ..Self::of(catalog) }
    }

    /// A request whose answer shows a generic table, and whether credentials were asked for.
    pub(crate) fn of_generic_table(
        catalog: &str,
        ident: &TableIdent,
        delegation: Delegation,
    ) -> Self {
        Self { generic_table: Some((ident.clone(), delegation)), ..Self::of(catalog) }
    }
}

/// Does the work of a request, unless it was done before under the same key: then it is answered as
/// it was. The work must use the app that it is given.
pub(crate) async fn answered<F>(
    app: App,
    caller: &Caller,
    key: Option<RequestKey>,
    told: Told,
    work: impl FnOnce(App) -> F + Send,
) -> Result<Response, ApiError>
where
    F: Future<Output = Result<Response, ApiError>> + Send,
{
    let Some(key) = key else { return work(app).await };
    let app = App { service: app.service.remembering(Some(key.of(&caller.reference))), ..app };
    // The body is not held for as long as the work takes.
    drop(key);
    let error = match work(app.clone()).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    if !error.is_final() {
        return Err(error);
    }
    let proof = match app.authorizer.authorize_replay(caller, &told.catalog).await {
        Ok(proof) => proof,
        Err(AuthzError::Metastore(source)) => return Err(unknown(source.into()).into()),
        // Whoever may not ask in the catalog at all, and where there is none, has no answers there.
        Err(_) => return Err(error),
    };
    let refused = Answer::Refused {
        kind: error.kind().exception().to_owned(),
        message: shortened(error.to_string()),
    };
    match app.service.settle(&proof, refused).await? {
        Answer::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Answer::Namespace(view) => Ok(namespaces::show(&view)),
        Answer::Properties(outcome) => Ok(namespaces::show_updated(outcome)),
        Answer::Policy(view) => Ok(policies::show(&view)),
        Answer::Table { metadata_location } | Answer::View { metadata_location } => {
            let table = told.table.ok_or_else(|| misread("a table"))?;
            show_again(&app, caller, &proof, &table, &metadata_location).await
        }
        Answer::GenericTable { id, table } => {
            let Told { catalog, generic_table, .. } = told;
            let (ident, delegation) = generic_table.ok_or_else(|| misread("a generic table"))?;
            let path = TablePath { catalog, ident, known_metadata: None };
            generic_tables::show_again(&app, caller, &path, delegation, (id, table)).await
        }
        Answer::Refused { kind, message } => {
            let kind = ErrorKind::final_by_exception(&kind).ok_or_else(|| misread(&kind))?;
            Err(ApiError::new(kind, message))
        }
    }
}

/// Shows a table as it was answered first. Credentials are of now, for whoever may have them now.
/// Where that state is not to be had any more, the table is shown as it is.
async fn show_again(
    app: &App,
    caller: &Caller,
    proof: &Authorized<ReplayAnswer>,
    table: &ToldTable,
    metadata_location: &str,
) -> Result<Response, ApiError> {
    let ToldTable { ident, asked, show, is_view } = table;
    let access = if asked.is_asked() {
        match load_access(app, caller, proof, ident, *asked).await {
            Ok(access) => Some((access, *asked)),
            // What was asked for first was done: who may not reach the files any more is told so
            // when it loads the table.
            Err(error) if error.kind().status().is_client_error() => None,
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    match app.service.answered_table(proof, ident, metadata_location, access).await {
        Ok(then) => return Ok(show(&then)),
        Err(ServiceError::NoSuchFile(_)) if !is_view => {}
        Err(error) => return Err(error.into()),
    }
    let access = load_access(app, caller, proof, ident, *asked).await?;
    let options = LoadOptions { asked: *asked, ..LoadOptions::default() };
    match app.service.load_table(access, &options).await? {
        Loaded::Table(now) => Ok(show(&now)),
        Loaded::NotModified(..) => Err(misread("a tag")),
    }
}

async fn load_access(
    app: &App,
    caller: &Caller,
    proof: &Authorized<ReplayAnswer>,
    ident: &TableIdent,
    asked: AccessDelegation,
) -> Result<TableAccess, ApiError> {
    let catalog = &proof.target().catalog.name;
    let path = app.service.table_path(&caller.realm, catalog, ident.clone()).await;
    let delegation = if asked.is_asked() { Delegation::Asked } else { Delegation::NotAsked };
    Ok(app.authorizer.authorize_load(caller, delegation, &path).await?)
}

/// Nobody can say what became of the request when it was sent before, so that it must not be called
/// refused: clients delete the files of a commit that was.
fn unknown(source: Box<dyn std::error::Error + Send + Sync>) -> ServiceError {
    ServiceError::CommitStateUnknown { what: "the request with an Idempotency-Key".into(), source }
}

fn misread(what: &str) -> ApiError {
    let text = format!("The answer under an Idempotency-Key is of {what}, which does not fit");
    ApiError::new(ErrorKind::Internal, text)
}

/// The text, cut at the most that is remembered: it is shown so the first time, too.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_REFUSAL {
        text.truncate(text.floor_char_boundary(LONGEST_REFUSAL));
        text.push_str(" ...");
    }
    text
}
