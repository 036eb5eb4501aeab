//! Who may do what with policies, and why.

use merak_model::Privilege;

use super::*;

/// Grants a privilege to the role `keeper`.
async fn grant(root: &Identity<'_>, grant: Value) {
    let path = "/api/management/v1/catalogs/lake/catalog-roles/keeper/grants";
    let _ = root.put(path, grant).await.expect(201);
}

/// A principal `ana` who has the role `keeper` of the catalog.
async fn ana(server: &TestServer) -> Identity<'_> {
    let ana = server.principal("ana").await;
    let root = server.root().await;
    let management = "/api/management/v1";
    let roles = format!("{management}/catalogs/lake/catalog-roles");
    let _ = root.post(&roles, json!({"name": "keeper"})).await.expect(201);
    let path = format!("{management}/principal-roles/ana/catalog-roles/lake");
    let _ = root.put(&path, json!({"name": "keeper"})).await.expect(201);
    ana
}

fn on_policy(privilege: Privilege) -> Value {
    json!({
        "type": "policy", "namespace": ["sky"], "policyName": "p", "privilege": privilege.name(),
    })
}

#[tokio::test]
async fn grants_on_a_policy_open_it_alone() {
    let server = server().await;
    let root = server.root().await;
    for name in ["p", "other"] {
        make(&root, "sky", name, COMPACTION).await;
    }
    let ana = ana(&server).await;
    let _ = ana.get(&policy("sky", "p")).await.expect(403);

    grant(&root, on_policy(Privilege::PolicyRead)).await;

    let _ = ana.get(&policy("sky", "p")).await.expect(200);
    let _ = ana.get(&policy("sky", "other")).await.expect(403);
    let _ = ana.delete(&policy("sky", "p")).await.expect(403);
    grant(&root, on_policy(Privilege::PolicyFullMetadata)).await;
    let _ = ana.delete(&policy("sky", "p")).await.expect(204);
    // The grants went with it.
    make(&root, "sky", "p", COMPACTION).await;
    let _ = ana.get(&policy("sky", "p")).await.expect(403);
}

#[tokio::test]
async fn attaching_takes_a_privilege_at_either_end() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    let ana = ana(&server).await;
    let table = on_table(&["sky", "deep", "stars"]);
    grant(&root, on_policy(Privilege::PolicyAttach)).await;
    for place in places() {
        let _ = attach(&ana, "p", &place).await.expect(403);
    }

    grant(
        &root,
        json!({
            "type": "table", "namespace": ["sky", "deep"], "tableName": "stars",
            "privilege": "TABLE_ATTACH_POLICY",
        }),
    )
    .await;

    let _ = attach(&ana, "p", &table).await.expect(204);
    let _ = attach(&ana, "p", &on_namespace(&["sky", "deep"])).await.expect(403);
    // What it attached it may not detach.
    let told = detach(&ana, "p", &table).await.error();
    assert_eq!(
        told,
        "403 ForbiddenException: Principal 'ana' with activated PrincipalRoles '[ana]' and \
         activated grants via '[ana]' is not authorized for op DETACH_POLICY_FROM_TABLE"
    );
}

#[tokio::test]
async fn why_a_policy_may_not_be_attached_is_explained() {
    let server = server().await;
    let root = server.root().await;
    make(&root, "sky", "p", COMPACTION).await;
    ana(&server).await;
    grant(&root, on_policy(Privilege::PolicyAttach)).await;
    let explain = async |query: &str| {
        let path = format!("/api/management/v1/explain?principal=ana&catalog=lake&{query}");
        root.get(&path).await
    };

    let answer =
        explain("operation=ATTACH_POLICY_TO_TABLE&namespace=sky%1Fdeep&table=stars&policy=sky.p")
            .await
            .expect(200)
            .json();

    assert_eq!(answer["allowed"], json!(false));
    let told: Vec<_> = answer["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["privilege"].clone(), one["on"].clone(), one["met"].clone()))
        .collect();
    let on = |kind: &str, name: &str| json!({"type": kind, "name": name});
    assert_eq!(
        told,
        [
            (json!("POLICY_ATTACH"), on("policy", "sky.p"), json!(true)),
            (json!("TABLE_ATTACH_POLICY"), on("table", "sky.deep.stars"), json!(false)),
        ]
    );
    let answer = explain("operation=LOAD_POLICY&namespace=sky&table=p").await.expect(200).json();
    assert_eq!(answer["requirements"][0]["on"], on("policy", "sky.p"));
    let query = "operation=GET_APPLICABLE_POLICIES_ON_NAMESPACE&namespace=sky";
    let answer = explain(query).await.expect(200).json();
    assert_eq!(answer["requirements"][0]["privilege"], json!("NAMESPACE_READ_PROPERTIES"));

    for (query, expected) in [
        ("operation=ATTACH_POLICY_TO_CATALOG", "400 BadRequestException: "),
        ("operation=ATTACH_POLICY_TO_CATALOG&policy=p", "400 BadRequestException: "),
        ("operation=ATTACH_POLICY_TO_CATALOG&policy=.p", "400 IllegalArgumentException: "),
        ("operation=DETACH_POLICY_FROM_NAMESPACE&policy=sky.p", "400 BadRequestException: "),
        ("operation=LOAD_POLICY&policy=sky.none", "404 NoSuchPolicyException: "),
    ] {
        let told = explain(query).await.error();
        assert!(told.starts_with(expected), "{query}: {told}");
    }
}
