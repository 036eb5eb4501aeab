//! What can happen, by the names and codes that Polaris has for it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Declares what events are about: of each category the operations, each with its code and its name.
macro_rules! subjects {
    ($($category:ident = $category_name:literal {
        $($subject:ident = $code:literal $name:literal;)+
    })+) => {
        /// What events are grouped by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventCategory {
            $(
                #[doc = concat!("`", $category_name, "`.")]
                $category,
            )+
        }

        impl EventCategory {
            /// Every category there is.
            pub const ALL: &'static [Self] = &[$(Self::$category),+];

            /// Its name, as Polaris has it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$category => $category_name,)+
                }
            }
        }

        /// The operation that an event is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventSubject {
            $($(
                #[doc = concat!("`", $name, "`.")]
                $subject = $code,
            )+)+
        }

        impl EventSubject {
            /// Every operation there is, in the order of their codes.
            pub const ALL: &'static [Self] = &[$($(Self::$subject),+),+];

            /// What it is grouped by.
            pub const fn category(self) -> EventCategory {
                match self {
                    $($(Self::$subject)|+ => EventCategory::$category,)+
                }
            }

            const fn names(self) -> (&'static str, &'static str) {
                match self {
                    $($(Self::$subject => {
                        (concat!("BEFORE_", $name), concat!("AFTER_", $name))
                    })+)+
                }
            }
        }
    };
}

subjects! {
    Catalog = "CATALOG" {
        CreateCatalog = 100 "CREATE_CATALOG";
        DeleteCatalog = 102 "DELETE_CATALOG";
        GetCatalog = 104 "GET_CATALOG";
        UpdateCatalog = 106 "UPDATE_CATALOG";
        ListCatalogs = 108 "LIST_CATALOGS";
    }
    CatalogRole = "CATALOG_ROLE" {
        CreateCatalogRole = 200 "CREATE_CATALOG_ROLE";
        DeleteCatalogRole = 202 "DELETE_CATALOG_ROLE";
        GetCatalogRole = 204 "GET_CATALOG_ROLE";
        UpdateCatalogRole = 206 "UPDATE_CATALOG_ROLE";
        ListCatalogRoles = 208 "LIST_CATALOG_ROLES";
        AddGrantToCatalogRole = 210 "ADD_GRANT_TO_CATALOG_ROLE";
        RevokeGrantFromCatalogRole = 212 "REVOKE_GRANT_FROM_CATALOG_ROLE";
        ListAssigneePrincipalRolesForCatalogRole = 214 "LIST_ASSIGNEE_PRINCIPAL_ROLES_FOR_CATALOG_ROLE";
        ListGrantsForCatalogRole = 216 "LIST_GRANTS_FOR_CATALOG_ROLE";
    }
    Principal = "PRINCIPAL" {
        CreatePrincipal = 300 "CREATE_PRINCIPAL";
        DeletePrincipal = 302 "DELETE_PRINCIPAL";
        GetPrincipal = 304 "GET_PRINCIPAL";
        UpdatePrincipal = 306 "UPDATE_PRINCIPAL";
        RotateCredentials = 308 "ROTATE_CREDENTIALS";
        ResetCredentials = 310 "RESET_CREDENTIALS";
        ListPrincipals = 312 "LIST_PRINCIPALS";
        AssignPrincipalRole = 314 "ASSIGN_PRINCIPAL_ROLE";
        RevokePrincipalRole = 316 "REVOKE_PRINCIPAL_ROLE";
        ListAssignedPrincipalRoles = 318 "LIST_ASSIGNED_PRINCIPAL_ROLES";
    }
    PrincipalRole = "PRINCIPAL_ROLE" {
        CreatePrincipalRole = 400 "CREATE_PRINCIPAL_ROLE";
        DeletePrincipalRole = 402 "DELETE_PRINCIPAL_ROLE";
        GetPrincipalRole = 404 "GET_PRINCIPAL_ROLE";
        UpdatePrincipalRole = 406 "UPDATE_PRINCIPAL_ROLE";
        ListPrincipalRoles = 408 "LIST_PRINCIPAL_ROLES";
        AssignCatalogRoleToPrincipalRole = 410 "ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE";
        RevokeCatalogRoleFromPrincipalRole = 412 "REVOKE_CATALOG_ROLE_FROM_PRINCIPAL_ROLE";
        ListAssigneePrincipalsForPrincipalRole = 414 "LIST_ASSIGNEE_PRINCIPALS_FOR_PRINCIPAL_ROLE";
        ListCatalogRolesForPrincipalRole = 416 "LIST_CATALOG_ROLES_FOR_PRINCIPAL_ROLE";
    }
    Namespace = "NAMESPACE" {
        CreateNamespace = 500 "CREATE_NAMESPACE";
        ListNamespaces = 502 "LIST_NAMESPACES";
        LoadNamespaceMetadata = 504 "LOAD_NAMESPACE_METADATA";
        CheckExistsNamespace = 506 "CHECK_EXISTS_NAMESPACE";
        DropNamespace = 508 "DROP_NAMESPACE";
        UpdateNamespaceProperties = 510 "UPDATE_NAMESPACE_PROPERTIES";
    }
    Table = "TABLE" {
        CreateTable = 600 "CREATE_TABLE";
        ListTables = 602 "LIST_TABLES";
        LoadTable = 604 "LOAD_TABLE";
        CheckExistsTable = 606 "CHECK_EXISTS_TABLE";
        DropTable = 608 "DROP_TABLE";
        RegisterTable = 610 "REGISTER_TABLE";
        RenameTable = 612 "RENAME_TABLE";
        UpdateTable = 614 "UPDATE_TABLE";
        RefreshTable = 616 "REFRESH_TABLE";
    }
    View = "VIEW" {
        CreateView = 700 "CREATE_VIEW";
        ListViews = 702 "LIST_VIEWS";
        LoadView = 704 "LOAD_VIEW";
        CheckExistsView = 706 "CHECK_EXISTS_VIEW";
        DropView = 708 "DROP_VIEW";
        RenameView = 710 "RENAME_VIEW";
        ReplaceView = 712 "REPLACE_VIEW";
        RefreshView = 714 "REFRESH_VIEW";
        RegisterView = 716 "REGISTER_VIEW";
    }
    Credential = "CREDENTIAL" {
        LoadCredentials = 800 "LOAD_CREDENTIALS";
    }
    Transaction = "TRANSACTION" {
        CommitTransaction = 900 "COMMIT_TRANSACTION";
    }
    Notification = "NOTIFICATION" {
        SendNotification = 1000 "SEND_NOTIFICATION";
    }
    Config = "CONFIG" {
        GetConfig = 1100 "GET_CONFIG";
    }
    Policy = "POLICY" {
        CreatePolicy = 1200 "CREATE_POLICY";
        ListPolicies = 1202 "LIST_POLICIES";
        LoadPolicy = 1204 "LOAD_POLICY";
        UpdatePolicy = 1206 "UPDATE_POLICY";
        DropPolicy = 1208 "DROP_POLICY";
        AttachPolicy = 1210 "ATTACH_POLICY";
        DetachPolicy = 1212 "DETACH_POLICY";
        GetApplicablePolicies = 1214 "GET_APPLICABLE_POLICIES";
    }
    GenericTable = "GENERIC_TABLE" {
        CreateGenericTable = 1300 "CREATE_GENERIC_TABLE";
        DropGenericTable = 1302 "DROP_GENERIC_TABLE";
        ListGenericTables = 1304 "LIST_GENERIC_TABLES";
        LoadGenericTable = 1306 "LOAD_GENERIC_TABLE";
    }
    TaskExecution = "TASK_EXECUTION" {
        AttemptTask = 1400 "ATTEMPT_TASK";
    }
    RateLimiting = "RATE_LIMITING" {
        LimitRequestRate = 1500 "LIMIT_REQUEST_RATE";
    }
}

impl EventCategory {
    /// The category of that name, in the case that Polaris writes it in.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.name() == name)
    }

    /// What the events of the category are told to be of: all that has no type of its own is of the
    /// realm, as in Polaris.
    pub const fn resource_type(self) -> ResourceType {
        match self {
            Self::Table | Self::GenericTable => ResourceType::Table,
            Self::View => ResourceType::View,
            Self::Namespace => ResourceType::Namespace,
            Self::Catalog => ResourceType::Catalog,
            Self::CatalogRole
            | Self::Principal
            | Self::PrincipalRole
            | Self::Credential
            | Self::Transaction
            | Self::Notification
            | Self::Config
            | Self::Policy
            | Self::TaskExecution
            | Self::RateLimiting => ResourceType::Realm,
        }
    }
}

impl fmt::Display for EventCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of thing an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceType {
    /// A table of either kind.
    Table,
    /// A view.
    View,
    /// A namespace.
    Namespace,
    /// A catalog.
    Catalog,
    /// Something else in the realm.
    Realm,
}

impl ResourceType {
    /// Its name, as Polaris has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "TABLE",
            Self::View => "VIEW",
            Self::Namespace => "NAMESPACE",
            Self::Catalog => "CATALOG",
            Self::Realm => "REALM",
        }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an event tells that something is about to happen, or that it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    /// It is about to happen.
    Before,
    /// It happened.
    After,
}

/// The type of an event: the operation it is about, and whether that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType {
    subject: EventSubject,
    moment: Moment,
}

impl EventType {
    /// The type of what tells that an operation begins.
    pub const fn before(subject: EventSubject) -> Self {
        Self { subject, moment: Moment::Before }
    }

    /// The type of what tells that an operation is done. The limit of requests has one type only, of
    /// before: where a request comes up against it, nothing follows.
    pub const fn after(subject: EventSubject) -> Self {
        let moment = if matches!(subject, EventSubject::LimitRequestRate) {
            Moment::Before
        } else {
            Moment::After
        };
        Self { subject, moment }
    }

    /// Every type there is, in the order of their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        EventSubject::ALL.iter().flat_map(|&subject| {
            let (before, after) = (Self::before(subject), Self::after(subject));
            std::iter::once(before).chain((after != before).then_some(after))
        })
    }

    /// Every type of a category, in the order of their codes.
    pub fn of_category(category: EventCategory) -> impl Iterator<Item = Self> {
        Self::all().filter(move |kind| kind.category() == category)
    }

    /// The type of that name, in the case that Polaris writes it in.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Its name, as Polaris has it.
    pub const fn name(self) -> &'static str {
        let (before, after) = self.subject.names();
        match self.moment {
            Moment::Before => before,
            Moment::After => after,
        }
    }

    /// Its code, as Polaris has it.
    pub const fn code(self) -> u16 {
        match self.moment {
            Moment::Before => self.subject as u16,
            Moment::After => self.subject as u16 + 1,
        }
    }

    /// The operation it is about.
    pub const fn subject(self) -> EventSubject {
        self.subject
    }

    /// Whether that is done.
    pub const fn moment(self) -> Moment {
        self.moment
    }

    /// What it is grouped by.
    pub const fn category(self) -> EventCategory {
        self.subject.category()
    }

    /// What kind of thing its events name.
    pub const fn resource_type(self) -> ResourceType {
        self.category().resource_type()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an event is known by: a UUID of version 7, whose order is that of time, so that events are
/// paged through by it. Of one process no two have the same time and counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

impl EventId {
    /// The least id of that time, in milliseconds since 1970: whatever happened earlier has a smaller
    /// one, and nothing has this one.
    pub fn first_at(at_ms: i64) -> Self {
        Self::new(at_ms, 0, 0)
    }

    /// The id that a text spells in the usual way, in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(Uuid::try_parse(text).ok()?);
        (id.0.get_version_num() == 7 && id.to_string() == text).then_some(id)
    }

    /// When the event happened, in milliseconds since 1970.
    pub fn at_ms(self) -> i64 {
        i64::try_from(self.0.as_u128() >> 80).unwrap_or(i64::MAX)
    }

    /// The id of a time, a counter of 12 bits, and 62 bits of any kind.
    fn new(at_ms: i64, counter: u16, rest: u64) -> Self {
        let at_ms = u128::from(at_ms.clamp(0, LAST_MS).unsigned_abs());
        let counter = u128::from(counter & COUNTER_MASK);
        let rest = u128::from(rest & (u64::MAX >> 2));
        Self(Uuid::from_u128(at_ms << 80 | 7 << 76 | counter << 64 | 0b10 << 62 | rest))
    }
}

/// The last time that 48 bits can say.
const LAST_MS: i64 = (1 << 48) - 1;

const COUNTER_BITS: u32 = 12;

const COUNTER_MASK: u16 = (1 << COUNTER_BITS) - 1;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Gives out the ids of a process's events, each greater than all before it, also within one
/// millisecond and when the clock is set back: the time it says is then one that was said before.
#[derive(Debug, Default)]
pub struct EventIds {
    /// The time and the counter of the last one.
    last: AtomicU64,
}

impl EventIds {
    /// The id of what happens now, in milliseconds since 1970.
    pub fn next(&self, now_ms: i64) -> EventId {
        let now = now_ms.clamp(0, LAST_MS).unsigned_abs() << COUNTER_BITS;
        let next = |last: u64| now.max(last + 1);
        // What is given out is new, whichever of several threads it is given to.
        let last =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        let given = next(last.unwrap_or_else(|last| last));
        let counter = u16::try_from(given & u64::from(COUNTER_MASK)).unwrap_or_default();
        let at_ms = i64::try_from(given >> COUNTER_BITS).unwrap_or(LAST_MS);
        let (_, random) = Uuid::new_v4().as_u64_pair();
        EventId::new(at_ms, counter, random)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn types_are_found_by_their_names_and_have_codes_of_their_own() {
        let all: Vec<_> = EventType::all().collect();
        let codes: BTreeSet<_> = all.iter().map(|kind| kind.code()).collect();

        assert_eq!(all.len(), 149);
        assert_eq!(codes.len(), all.len());
        assert!(all.is_sorted_by_key(|kind| kind.code()));
        assert!(all.iter().all(|kind| EventType::parse(kind.name()) == Some(*kind)));
        assert_eq!(EventType::parse("AFTER_LIMIT_REQUEST_RATE"), None);
        assert_eq!(EventType::parse("after_create_table"), None);
    }

    #[test]
    fn every_category_has_types_that_are_in_its_block_of_codes() {
        for &category in EventCategory::ALL {
            let blocks: BTreeSet<_> =
                EventType::of_category(category).map(|kind| kind.code() / 100).collect();

            assert_eq!(blocks.len(), 1, "{category}");
            assert_eq!(EventCategory::parse(category.name()), Some(category));
        }
    }

    #[test]
    fn names_and_codes_are_those_of_polaris() {
        let told = |kind: EventType| {
            (kind.name(), kind.code(), kind.category().name(), kind.resource_type().name())
        };

        let updated = EventType::after(EventSubject::UpdateTable);
        assert_eq!(told(updated), ("AFTER_UPDATE_TABLE", 615, "TABLE", "TABLE"));
        let limited = EventType::before(EventSubject::LimitRequestRate);
        assert_eq!(told(limited), ("BEFORE_LIMIT_REQUEST_RATE", 1500, "RATE_LIMITING", "REALM"));
        let dropped = EventType::after(EventSubject::DropGenericTable);
        assert_eq!(told(dropped), ("AFTER_DROP_GENERIC_TABLE", 1303, "GENERIC_TABLE", "TABLE"));
    }

    #[test]
    fn ids_grow_within_a_millisecond_and_when_the_clock_is_set_back() {
        let ids = EventIds::default();
        let mut given: Vec<_> = (0..5000).map(|_| ids.next(1_700_000_000_000)).collect();
        given.push(ids.next(1_600_000_000_000));
        given.push(ids.next(1_700_000_000_005));

        assert!(given.is_sorted_by(|one, next| one < next));
        assert!(given.is_sorted_by_key(ToString::to_string));
        assert_eq!(given[0].at_ms(), 1_700_000_000_000);
        assert_eq!(given[5000].at_ms(), 1_700_000_000_001);
        assert_eq!(given[5001].at_ms(), 1_700_000_000_005);
    }

    #[test]
    fn ids_are_read_as_they_are_written_and_bounded_by_the_first_of_their_time() {
        let id = EventIds::default().next(1_700_000_000_000);

        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        assert_eq!(EventId::parse(&id.to_string().to_uppercase()), None);
        assert_eq!(EventId::parse("7f1c2a52-6d0c-4d6c-8f25-1f4f6c9b9d38"), None);
        assert_eq!(EventId::parse("nothing"), None);
        assert!(EventId::first_at(1_700_000_000_000) < id);
        assert!(id < EventId::first_at(1_700_000_000_001));
    }
}
