//! Folders of the server's own disk.

use super::{Advice, says, sh};

/// Who the server is to the system, and where its catalog lies.
#[derive(Debug, Clone, Default)]
pub(in crate::doctor) struct FileNames {
    pub(in crate::doctor) user: Option<(u32, u32)>,
    pub(in crate::doctor) folder: String,
}

pub(in crate::doctor) fn advise(_step: &str, said: &str, names: &FileNames) -> Advice {
    let folder = sh(&names.folder);
    let who = match names.user {
        Some((user, _)) => format!("user id {user}"),
        None => "the server's user".to_owned(),
    };
    if says(said, &["does not read or write FILE"]) {
        return Advice::new("FILE storage is switched off: it is for development").say(
            "Set polaris.features.\"ALLOW_INSECURE_STORAGE_TYPES\"=true and list FILE in \
             SUPPORTED_CATALOG_STORAGE_TYPES, and start the server again",
        );
    }
    if says(said, &["symbolic link"]) {
        return Advice::new("A link below the catalog's location leads elsewhere")
            .give("See where it leads, and remove it", format!("find {folder} -type l -ls"));
    }
    if says(said, &["read-only"]) {
        return Advice::new("The folder is mounted so that nobody can write to it")
            .say("Mount it without :ro, or without readOnly: true in Kubernetes");
    }
    if says(said, &["no space", "quota"]) {
        return Advice::new("The disk is full")
            .give("See how full it is", format!("df -h {folder}"));
    }
    if says(said, &["may not", "permission", "not permitted"]) {
        let advice =
            Advice::new(format!("The server runs as {who}, who may not write to {}", names.folder));
        return match names.user {
            Some((user, group)) => advice
                .give(
                    "Give the folder to the server, on the host if it is mounted into a container",
                    format!("sudo chown -R {user}:{group} {folder}"),
                )
                .say(
                    "Or run the server as the folder's owner: docker run --user, or \
                     securityContext.fsGroup in Kubernetes",
                ),
            None => advice.say("Give the folder to the server's user"),
        };
    }
    if says(
        said,
        &[
            "is no folder",
            "no folder can be made",
            "is a folder",
            "no directory",
            "not a directory",
        ],
    ) {
        return Advice::new("Something on the path is no folder")
            .give("See what is there", format!("namei -l {folder}"));
    }
    Advice::new("The system refused what the server did with the folder")
        .give("See who may do what on the way to it", format!("namei -l {folder}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(user: Option<(u32, u32)>) -> FileNames {
        FileNames { user, folder: "/data/my lake".to_owned() }
    }

    #[test]
    fn each_failure_has_a_cause_and_a_remedy() {
        for (said, cause, remedy) in [
            (
                "Access to file:///data/x was denied: the server runs as uid 1000 and may not \
                 write in \
                 '/data', which belongs to uid 0 and has mode 755",
                "The server runs as user id 1000, who may not write to /data/my lake",
                "sudo chown -R 1000:100 '/data/my lake'",
            ),
            ("a symbolic link leads out of the allowed location", "A link", "find '/data/my lake'"),
            ("the file system of '/data' is read-only", "The folder is mounted", "without :ro"),
            ("No space left on device", "The disk is full", "df -h '/data/my lake'"),
            ("'/data' is no folder", "Something on the path", "namei -l '/data/my lake'"),
            ("Input/output error", "The system refused", "namei -l '/data/my lake'"),
            (
                "This server does not read or write FILE storage",
                "FILE storage is switched off",
                "ALLOW_",
            ),
        ] {
            let advice = advise("write", said, &names(Some((1000, 100))));

            assert!(advice.cause.starts_with(cause), "{said}: {advice:?}");
            let first = &advice.remedies[0];
            let text = format!("{} {}", first.what, first.text.as_deref().unwrap_or_default());
            assert!(text.contains(remedy), "{said}: {text}");
        }
    }

    #[test]
    fn where_the_user_is_not_known_no_command_names_one() {
        let advice = advise("write", "permission denied", &names(None));

        assert!(advice.remedies.iter().all(|remedy| remedy.text.is_none()), "{advice:?}");
    }
}
