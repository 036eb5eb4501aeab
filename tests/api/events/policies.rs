//! Events of policies.

use super::*;
use crate::policies::{COMPACTION, ENABLED, mappings, on_namespace, policies, policy};

#[tokio::test]
async fn a_policy_leaves_an_event_of_each_change() {
    let server = lake().await;
    let (all, one, mapped) = (policies("sales"), policy("sales", "p"), mappings("sales", "p"));
    let draft = json!({"name": "p", "type": COMPACTION, "content": ENABLED});

    let made = left_by(&server, 200, post(&all, draft.clone())).await;

    assert_eq!(lines(&made), ["AFTER_CREATE_POLICY REALM lake sales.p"]);
    assert_eq!(
        attributes(&made[0]),
        json!({
            "namespace": ["sales"], "policy_name": "p", "policy_type": COMPACTION,
            "entity_version": 1,
        })
    );
    assert_left(&server, 409, post(&all, draft), &[]).await;
    let change = json!({"content": r#"{"enable": false}"#, "current-policy-version": 0});
    let expected = ["AFTER_UPDATE_POLICY REALM lake sales.p"];
    assert_left(&server, 200, put(&one, change), &expected).await;
    let same = json!({"content": r#"{"enable": false}"#, "current-policy-version": 1});
    assert_left(&server, 200, put(&one, same), &[]).await;
    let target = json!({"target": on_namespace(&["sales"])});
    let attached = left_by(&server, 204, put(&mapped, target.clone())).await;
    assert_eq!(lines(&attached), ["AFTER_ATTACH_POLICY REALM lake sales.p"]);
    let said = attributes(&attached[0]);
    assert_eq!(
        (&said["target_type"], &said["target_name"]),
        (&json!("Namespace"), &json!("lake.sales"))
    );
    assert_left(&server, 400, delete(&one), &[]).await;
    let expected = ["AFTER_DETACH_POLICY REALM lake sales.p"];
    assert_left(&server, 204, post(&mapped, target.clone()), &expected).await;
    assert_left(&server, 404, post(&mapped, target), &[]).await;
    let path = format!("{one}?detach-all=true");
    let dropped = left_by(&server, 204, delete(&path)).await;
    assert_eq!(lines(&dropped), ["AFTER_DROP_POLICY REALM lake sales.p"]);
    assert_eq!(attributes(&dropped[0])["detach_all"], true);
}
