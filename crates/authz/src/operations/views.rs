//! Operations on views.

use std::fmt::Debug;

use merak_metastore::ResolvedCaller;
use merak_model::{Features, Privilege};

use super::operations;
use crate::{
    Operation, Requirement, ResolvedNamespace, ResolvedNewTable, ResolvedView, ResolvedViewRename,
};

operations! { ResolvedNamespace:
    /// Lists the views of a namespace.
    ListViews = "LIST_VIEWS" requires [ViewList];
}

operations! { ResolvedNewTable:
    /// Makes a view.
    CreateView = "CREATE_VIEW" requires [ViewCreate];
    /// Makes a view of a metadata file that is there.
    RegisterView = "REGISTER_VIEW" requires [ViewCreate];
}

operations! { ResolvedView:
    /// Reads a view's metadata.
    LoadView = "LOAD_VIEW" requires [ViewReadProperties];
    /// Asks whether a view is there.
    ViewExists = "VIEW_EXISTS" requires [ViewList];
    /// Removes a view from its catalog.
    DropView = "DROP_VIEW" requires [ViewDrop];
}

/// Changes a view. It carries the commit itself, so that what is applied is what was judged.
#[derive(Debug)]
pub struct ReplaceView<C>(pub C);

impl<C: Debug + Send + Sync> Operation for ReplaceView<C> {
    type Target = ResolvedView;

    fn name(&self) -> &'static str {
        "REPLACE_VIEW"
    }

    /// There are no privileges for single kinds of updates, as there are on tables.
    fn requirements(
        &self,
        _: &ResolvedCaller,
        target: &ResolvedView,
        _: &Features,
    ) -> Vec<Requirement> {
        let write = Privilege::ViewWriteProperties;
        vec![Requirement::on_target(write, target.holds(write))]
    }
}

/// Moves a view to another name or namespace.
#[derive(Debug, Clone, Copy)]
pub struct RenameView;

impl Operation for RenameView {
    type Target = ResolvedViewRename;

    fn name(&self) -> &'static str {
        "RENAME_VIEW"
    }

    fn requirements(
        &self,
        _: &ResolvedCaller,
        ResolvedViewRename(target): &ResolvedViewRename,
        _: &Features,
    ) -> Vec<Requirement> {
        let drop = Privilege::ViewDrop;
        let there = [Privilege::ViewList, Privilege::ViewCreate];
        let there = there.map(|one| Requirement::on(1, one, target.destination.holds(one)));
        let here = Requirement::on_target(drop, target.source.holds(drop));
        std::iter::once(here).chain(there).collect()
    }
}
