//! Views of another server, through this one.

use merak_tests::{schema, view_version};
use serde_json::json;

use super::{MIRROR, Pair, SALES, kind};

const VIEWS: &str = "/api/catalog/v1/mirror/namespaces/sales/views";

#[tokio::test]
async fn views_are_made_read_changed_moved_and_dropped_in_the_other_catalog() {
    let pair = Pair::with_sales().await;
    let (here, there) = (pair.front.root().await, pair.owner.root().await);
    let body = json!({
        "name": "v", "schema": schema(), "view-version": view_version("select 1"), "properties": {},
    });

    let made = here.post(VIEWS, body).await.expect(200).json();
    let view = format!("{VIEWS}/v");
    let remote = "/api/catalog/v1/lake/namespaces/sales/views";
    let loaded = there.get(&format!("{remote}/v")).await.expect(200).json();
    assert_eq!(made["metadata"], loaded["metadata"]);
    assert_eq!(here.get(&view).await.expect(200).json()["metadata"], loaded["metadata"]);
    let updates = json!([{"action": "set-properties", "updates": {"owner": "ann"}}]);
    let _ = here.post(&view, json!({"requirements": [], "updates": updates})).await.expect(200);
    let loaded = there.get(&format!("{remote}/v")).await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["owner"], "ann");
    let list = here.get(VIEWS).await.expect(200).json();
    assert_eq!(list, json!({"identifiers": [{"namespace": ["sales"], "name": "v"}]}));
    let _ = here.head(&view).await.expect(204);

    let body = json!({
        "source": {"namespace": ["sales"], "name": "v"},
        "destination": {"namespace": ["sales"], "name": "w"},
    });
    let _ = here.post(&format!("{MIRROR}/views/rename"), body).await.expect(204);
    let _ = here.head(&view).await.expect(404);
    let _ = here.delete(&format!("{VIEWS}/w")).await.expect(204);
    assert_eq!(kind(&here.get(&format!("{VIEWS}/w")).await), "404 NoSuchViewException");
    let body = json!({"name": "w", "metadata-location": loaded["metadata-location"]});
    let registered = here.post(&format!("{SALES}/register-view"), body).await.expect(200).json();
    assert_eq!(registered["metadata"]["view-uuid"], made["metadata"]["view-uuid"]);
}
