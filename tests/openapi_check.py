#!/usr/bin/env python3
"""Checks our OpenAPI documents: against themselves, and against the upstream ones.

    tests/openapi_check.py [FOLDER]

FOLDER, or else the variable MERAK_SPEC_DIR, names where the upstream documents are (`rest-catalog-open-api.yaml` and
`polaris/`). Without either, only our own documents are checked. Reading the upstream YAML needs PyYAML, which
`tests/run` installs in the environment that it calls this from; everything else is the standard library of
Python 3.11.

Each finding is a sentence on a line of its own; the last line counts the checks. The exit code is 0 when all passed,
1 when one failed, and 2 when the check could not be made.

The lists below may only shrink: an entry that no longer says anything true is itself a failure.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

OPENAPI = Path(__file__).resolve().parent.parent / "openapi"

# File in the folder, what its paths are relative to, and what to call it.
UPSTREAM = [
    ("rest-catalog-open-api.yaml", "/api/catalog", "Iceberg's document"),
    ("polaris/polaris-catalog-service.yaml", "/api/catalog", "Polaris' catalog document"),
    ("polaris/polaris-management-service.yml", "/api/management/v1", "Polaris' management document"),
]

# Operations that upstream has and we do not, by what they belong to.
NOT_YET = {
    "scan planning": "planTableScan fetchPlanningResult cancelPlanning fetchScanTasks",
    "functions, which no released client asks for": "listFunctions loadFunction",
    "semantic models": "listSemanticModels createSemanticModel loadSemanticModel updateSemanticModel"
    " dropSemanticModel",
}

# Operations that we have and upstream does not: operationId and why.
OURS_ALONE = {
    "explainAccess": "Polaris says that it refuses, and not why",
    "diagnoseCatalog": "Polaris does not check a catalog's storage",
    "explainPolicy": "Polaris does not show what bounds credentials",
    "listMetricsReports": "Polaris keeps reports, and shows them to nobody",
    "listEvents": "Polaris keeps events, and shows them to nobody",
    "listCatalogEvents": "Polaris keeps events, and shows them to nobody",
    "listAuditRecords": "Polaris has no audit records",
    "listTasks": "Polaris does not show its work in the background",
    "getTask": "Polaris does not show its work in the background",
    "retryTask": "Polaris does not retry what failed",
}

# Where we differ from upstream on purpose: what differs, where, and why.
EXCEPTIONS = {
    ("required", "getConfig.warehouse"): "Polaris refuses the request without it, and so do we",
    ("status", "getConfig.403"): "any authenticated caller may ask",
    ("required", "OAuthClientCredentialsRequest.client_id"): "may come by Basic authorization instead",
    ("required", "OAuthClientCredentialsRequest.client_secret"): "may come by Basic authorization instead",
    ("required", "AssertRefSnapshotId.snapshot-id"): "the Java client leaves it out where it means null",
    ("required", "NotificationRequest.payload"): "what is not needed may be left out",
    ("required", "TableUpdateNotification.table-name"): "the path names the table",
    ("required", "TableUpdateNotification.timestamp"): "only notifications of changes need it",
    ("required", "TableUpdateNotification.table-uuid"): "the metadata file says it",
    ("required", "TableUpdateNotification.metadata-location"): "a table that is gone has none",
    ("null", "TableMetadata.current-snapshot-id"): "format 3 writes null for a table without a snapshot",
    ("field", "LoadTableResult.remote-signing-config"): "remote signing is not offered yet",
    ("alternative", "ScanReport.filter: type=true"): "expressions are kept and not looked into",
    ("alternative", "ScanReport.filter: type=false"): "expressions are kept and not looked into",
    ("alternative", "ScanReport.filter: type=not"): "expressions are kept and not looked into",
    ("alternative", "ScanReport.filter: an object"): "expressions are kept and not looked into",
    ("type", "ScanReport.filter"): "expressions are kept and not looked into",
    ("field", "ErrorModel.stack"): "a stack trace is nothing to show to a client",
    ("parameter", "getToken.Authorization"): "OpenAPI has no header parameter of this name; the description says it",
}

# Statuses that upstream lists for nearly every operation and we list for none.
OTHER_STATUSES = {
    "419": "an expired token is answered with 401, which upstream itself prefers",
    "5XX": "each status is listed by its number",
}

# Operations whose answer to a caller without privileges is not 403.
NEEDS_NO_PRIVILEGE = {"getConfig", "getToken"}

METHODS = ("get", "head", "post", "put", "patch", "delete")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", nargs="?", type=Path, help="where the upstream documents are")
    folder = arguments.parse_args().folder or os.environ.get("MERAK_SPEC_DIR")
    report = Report()

    ours = []
    for path in sorted(OPENAPI.glob("*.json")):
        ours.extend(read_ours(report, path))
    check_ours(report, ours)
    if report.unreadable:
        print("A document of ours could not be read, so none was compared with upstream's.")
    elif folder is None:
        print("No folder of upstream documents was given, so ours were not compared with any.")
    else:
        check_against_upstream(report, ours, read_upstream(Path(folder)))

    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


class Report:
    """Counts checks and prints what they found."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.unreadable = False

    def check(self, subject, findings):
        findings = list(dict.fromkeys(findings))
        for finding in findings:
            print(f"{subject}: {finding}.")
        if findings:
            self.failed += 1
        else:
            self.passed += 1


# Documents and operations


@dataclass
class Operation:
    """One operation of one document, with references to parameters and responses followed."""

    document: "Document"
    method: str
    path: str
    node: dict
    parameters: list
    responses: dict

    @property
    def id(self):
        return self.node.get("operationId", f"{self.method.upper()} {self.path}")

    @property
    def body(self):
        return follow(self.node.get("requestBody") or {})

    def parameter(self, name, place):
        # Header names do not depend on case; the others do.
        same = str.lower if place == "header" else str
        found = [p for p in self.parameters if p["in"] == place and same(p["name"]) == same(name)]
        return found[0] if found else None


class Document:
    """One parsed document, whose references have been made absolute."""

    loaded = {}

    def __init__(self, path, parse):
        self.path = path.resolve()
        self.parse = parse
        Document.loaded[str(self.path)] = self
        self.root = parse(self.path.read_text(encoding="utf-8"))
        self.references = []
        self.make_absolute(self.root)

    def make_absolute(self, node):
        if isinstance(node, list):
            for each in node:
                self.make_absolute(each)
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                node["$ref"] = self.absolute(node["$ref"])
            discriminator = node.get("discriminator")
            if isinstance(discriminator, dict):
                mapping = discriminator.get("mapping", {})
                mapping.update({key: self.absolute(target) for key, target in mapping.items()})
            for each in node.values():
                self.make_absolute(each)

    def absolute(self, reference):
        file, _, pointer = reference.partition("#")
        target = (self.path.parent / file).resolve() if file else self.path
        self.references.append(f"{target}#{pointer}")
        return self.references[-1]

    def operations(self, base=""):
        found = []
        for path, item in self.root.get("paths", {}).items():
            item = follow(item)
            for method in METHODS:
                if method in item:
                    node = item[method]
                    parameters = [follow(p) for p in item.get("parameters", []) + node.get("parameters", [])]
                    responses = {str(status): follow(r) for status, r in node.get("responses", {}).items()}
                    found.append(Operation(self, method, base + path, node, parameters, responses))
        return found


def target_of(reference):
    """What an absolute reference points to."""
    file, _, pointer = reference.partition("#")
    document = Document.loaded.get(file)
    if document is None:
        like = next(d for d in Document.loaded.values() if d.path.suffix == Path(file).suffix)
        document = Document(Path(file), like.parse)
    node = document.root
    for step in pointer.strip("/").split("/"):
        node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
    return node


def follow(node):
    while isinstance(node, dict) and "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**target_of(node["$ref"]), **beside} if beside else target_of(node["$ref"])
    return node


def read_ours(report, path):
    def without_repeats(pairs):
        names = [name for name, _ in pairs]
        repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    repeated = []
    try:
        document = Document(path, lambda text: json.loads(text, object_pairs_hook=without_repeats))
    except ValueError as error:
        report.check(path.name, [f"it is not JSON ({error})"])
        report.unreadable = True
        return []
    report.check(path.name, [f"the name {name!r} occurs twice in one object" for name in repeated])

    missing = []
    for reference in document.references:
        try:
            target_of(reference)
        except (KeyError, TypeError, OSError, StopIteration):
            missing.append(f"the reference #{reference.partition('#')[2]} leads nowhere")
    report.check(path.name, missing)
    report.unreadable |= bool(missing)
    return [] if missing else [document]


def read_upstream(folder):
    try:
        import yaml
    except ImportError:
        give_up("The upstream documents are YAML, and PyYAML is not installed here.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = []
    for name, base, title in UPSTREAM:
        path = folder / name
        if not path.is_file():
            give_up(f"{path} is not there.")
        documents.append((Document(path, lambda text: yaml.load(text, loader)), base, title))
    return documents


def give_up(why):
    print(why, file=sys.stderr)
    sys.exit(2)


# Our documents by themselves


def check_ours(report, documents):
    ids = [operation.id for document in documents for operation in document.operations()]
    for document in documents:
        report.check(document.path.name, faults_of_document(document))
        for operation in document.operations():
            faults = faults_of_operation(operation)
            if ids.count(operation.id) > 1:
                faults.append("its operationId is not unique")
            report.check(operation.id, faults)
        for name, schema in document.root.get("components", {}).get("schemas", {}).items():
            report.check(f"schema {name}", faults_of_schema(schema))
    report.check("the documents together", differences_between(documents))


def differences_between(documents):
    """What several documents call by one name is the same everywhere, errors above all."""
    faults, first = [], {}
    for document in documents:
        for kind, components in document.root.get("components", {}).items():
            for name, component in components.items():
                text = json.dumps(component, sort_keys=True).replace(str(document.path), "")
                if first.setdefault((kind, name), text) != text:
                    faults.append(f"{name} of components.{kind} is not the same in all of them")
    return faults


def faults_of_document(document):
    faults = []
    if not re.fullmatch(r"3\.1\.\d+", str(document.root.get("openapi"))):
        faults.append("it is not an OpenAPI 3.1 document")
    for kind, components in document.root.get("components", {}).items():
        for name in components:
            used = f"{document.path}#/components/{kind}/{name}" in document.references
            if kind != "securitySchemes" and not used:
                faults.append(f"nothing refers to {name} of components.{kind}")
    return faults


def faults_of_operation(operation):
    faults = []
    node, responses = operation.node, operation.responses
    for need in ("operationId", "summary", "description", "tags", "security"):
        if need not in node:
            faults.append(f"it has no {need}")
    declared_tags = {tag["name"] for tag in operation.document.root.get("tags", [])}
    faults += [f"its tag {tag} is not declared" for tag in node.get("tags", []) if tag not in declared_tags]
    schemes = operation.document.root.get("components", {}).get("securitySchemes", {})
    faults += [f"its security scheme {name} is not declared"
               for each in node.get("security", []) for name in each if name not in schemes]

    if not operation.parameter("Polaris-Realm", "header"):
        faults.append("it lacks the header parameter Polaris-Realm")
    in_path = set(re.findall(r"{([^}]+)}", operation.path))
    declared = {p["name"] for p in operation.parameters if p["in"] == "path"}
    faults += [f"the path parameter {name} is not declared" for name in sorted(in_path - declared)]
    faults += [f"the parameter {name} is not in the path" for name in sorted(declared - in_path)]
    for parameter in operation.parameters:
        name, place = parameter["name"], parameter["in"]
        if not parameter.get("description"):
            faults.append(f"the parameter {name} has no description")
        if place == "path" and parameter.get("required") is not True:
            faults.append(f"the path parameter {name} is not required")
        if [(p["name"], p["in"]) for p in operation.parameters].count((name, place)) > 1:
            faults.append(f"the parameter {name} is declared twice")

    successes = [status for status in responses if status[0] == "2"]
    if len(successes) != 1:
        faults.append("it has not exactly one success response")
    faults += [f"it has no response {status}" for status in expected_errors(operation) if status not in responses]
    for status, response in responses.items():
        faults += faults_of_response(operation, status, response)
    return faults


def expected_errors(operation):
    expected = ["404", "500", "503"]
    if operation.node.get("security"):
        expected.append("401")
    if operation.id not in NEEDS_NO_PRIVILEGE:
        expected.append("403")
    if operation.body:
        expected += ["413", "415"]
    if operation.body or any(p["name"] != "Polaris-Realm" for p in operation.parameters):
        expected.append("400")
    return sorted(expected)


def faults_of_response(operation, status, response):
    if not response.get("description"):
        return [f"its response {status} has no description"]
    content = response.get("content", {})
    bodiless = operation.method == "head" or status in ("204", "304")
    if bodiless and content:
        return [f"its response {status} has a body, which HTTP does not allow"]
    if status[0] in "45" and not bodiless:
        names = [name_of(media.get("schema", {})) for media in content.values()]
        if names not in (["ErrorResponse"], ["OAuthError"]):
            return [f"its response {status} is not an error envelope"]
    return []


def faults_of_schema(schema):
    faults = [] if schema.get("description") else ["it has no description"]
    for shape in shapes(schema):
        unknown = sorted(shape.required - set(shape.properties))
        faults += [f"it requires {name}, which it does not have" for name in unknown]
    if "discriminator" in schema:
        property_name = schema["discriminator"]["propertyName"]
        mapping = schema["discriminator"].get("mapping", {})
        if sorted(mapping.values()) != sorted(each["$ref"] for each in schema.get("oneOf", [])):
            faults.append("its discriminator does not map to exactly its alternatives")
        for value, target in mapping.items():
            for shape in shapes({"$ref": target}):
                if only_value(shape.properties.get(property_name, {})) != value:
                    faults.append(f"its alternative for {value} does not fix {property_name} to that")
                if property_name not in shape.required:
                    faults.append(f"its alternative for {value} does not require {property_name}")
    return faults


# Ours against upstream


def check_against_upstream(report, documents, upstream):
    ours = {(o.method, o.path): o for document in documents for o in document.operations()}
    theirs = [(o, title) for document, base, title in upstream for o in document.operations(base)]
    excused = set()

    for place, operation in ours.items():
        counterparts = [(o, title) for o, title in theirs if (o.method, o.path) == place]
        if not counterparts:
            known = operation.id in OURS_ALONE
            report.check(operation.id, [] if known else [f"upstream has no {place[0].upper()} {place[1]}"])
        for their, title in counterparts:
            comparison = Comparison(excused)
            comparison.operations(their, operation)
            report.check(f"{operation.id}, compared with {title}", comparison.findings)

    check_lists(report, {o.id for o in ours.values()}, {o.id for o, _ in theirs}, excused)
    check_wording(report, documents)


def check_lists(report, our_ids, their_ids, excused):
    not_yet = {id: why for why, ids in NOT_YET.items() for id in ids.split()}
    for id in sorted(their_ids - our_ids - set(not_yet)):
        report.check(id, ["upstream has this operation, we do not, and NOT_YET does not say why"])
    for id, why in not_yet.items():
        findings = []
        if id in our_ids:
            findings.append("we have this operation, so it has to leave NOT_YET")
        if id not in their_ids:
            findings.append("it is in NOT_YET, but upstream has no such operation")
        report.check(f"{id} ({why})", findings)
    for id in OURS_ALONE:
        stale = id in their_ids or id not in our_ids
        report.check(id, ["OURS_ALONE no longer needs it"] if stale else [])
    for exception, why in EXCEPTIONS.items():
        findings = [] if exception in excused else ["EXCEPTIONS no longer needs it"]
        report.check(f"{' of '.join(exception)} ({why})", findings)
    for status, why in OTHER_STATUSES.items():
        findings = [] if ("status", status) in excused else ["OTHER_STATUSES no longer needs it"]
        report.check(f"status {status} ({why})", findings)


def check_wording(report, documents):
    """Our descriptions are our own words; only the shortest may happen to be the same."""
    upstream = set()
    for document in Document.loaded.values():
        if document.path.parent != OPENAPI:
            upstream.update(sentences(document.root))
    for document in documents:
        copied = sorted(sentences(document.root) & upstream)
        report.check(document.path.name, [f"the text {text!r} is copied from upstream" for text in copied])


def sentences(node):
    found = set()
    if isinstance(node, list):
        for each in node:
            found |= sentences(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("description", "summary") and isinstance(value, str):
                parts = re.split(r"(?<=[.:;])\s+", " ".join(value.lower().split()))
                found.update(part.rstrip(".") for part in parts if len(part) > 30)
            else:
                found |= sentences(value)
    return found


class Comparison:
    """Compares one operation of ours with upstream's, and notes which exceptions were needed."""

    def __init__(self, excused):
        self.excused = excused
        self.findings = []
        self.seen = {}

    def find(self, kind, place, sentence):
        if (kind, place) in EXCEPTIONS:
            self.excused.add((kind, place))
        else:
            self.findings.append(sentence)

    def operations(self, theirs, ours):
        if theirs.id != ours.id:
            self.find("id", ours.id, f"upstream calls it {theirs.id}")
        for parameter in theirs.parameters:
            self.parameter(parameter, ours)
        if theirs.body:
            self.contents(theirs.body, ours.body, f"{ours.id} request", sent_by_client=True)
            if theirs.body.get("required") and not ours.body.get("required"):
                self.find("required", f"{ours.id} request", "upstream requires a body")
        for status, response in theirs.responses.items():
            self.response(status, response, ours)

    def parameter(self, theirs, operation):
        name, place = theirs["name"], theirs["in"]
        ours = operation.parameter(name, place)
        key = f"{operation.id}.{name}"
        if ours is None:
            self.find("parameter", key, f"it lacks the {place} parameter {name}")
        elif bool(theirs.get("required")) != bool(ours.get("required")):
            self.find("required", key, f"the parameter {name} is required in one document and not in the other")

    def response(self, status, theirs, operation):
        ours = operation.responses.get(status)
        if ours is None:
            if status in OTHER_STATUSES:
                self.excused.add(("status", status))
            else:
                self.find("status", f"{operation.id}.{status}", f"it lacks the response {status}")
        # HTTP allows no body in an answer to HEAD, whatever upstream lists.
        elif operation.method != "head":
            self.contents(theirs, ours, f"{operation.id} {status}", sent_by_client=False)

    def contents(self, theirs, ours, place, sent_by_client):
        for media_type, media in theirs.get("content", {}).items():
            our_media = ours.get("content", {}).get(media_type)
            if our_media is None:
                self.find("content", place, f"its {place} lacks the content type {media_type}")
            # Some upstream errors name the inner object only; every server and every client wraps it.
            elif name_of(media.get("schema", {})) != "ErrorModel":
                self.schemas(media.get("schema", {}), our_media.get("schema", {}), place, sent_by_client)

    def schemas(self, theirs, ours, place, sent_by_client):
        if (id(theirs), id(ours)) in self.seen:
            return
        # Keeping the nodes keeps their ids from being used again.
        self.seen[id(theirs), id(ours)] = theirs, ours

        their_shapes, our_shapes = shapes(theirs, place), shapes(ours, place)
        if len(their_shapes) == len(our_shapes) == 1:
            self.shape(their_shapes[0], our_shapes[0], place, sent_by_client)
            return
        for shape in their_shapes:
            alike = [each for each in our_shapes if each.key == shape.key]
            if alike:
                # A body that may come wrapped or bare has two of one key: the likest is the counterpart.
                likest = max(alike, key=lambda each: len(set(each.properties) & set(shape.properties)))
                self.shape(shape, likest, place, sent_by_client)
            else:
                self.find("alternative", f"{place}: {shape.key}", f"{place} lacks the alternative {shape.key!r}")

    def shape(self, theirs, ours, place, sent_by_client):
        if theirs.types and theirs.types != ours.types:
            self.find("type", place, f"{place} is {listed(theirs.types)} upstream and {listed(ours.types)} here")
            return
        if theirs.format == "int64" and ours.format != "int64":
            self.find("type", place, f"{place} is a 64-bit integer upstream and not here")
        # A request may hold all that upstream allows, an answer nothing that upstream does not know.
        wider, narrower = (ours, theirs) if sent_by_client else (theirs, ours)
        if narrower.nullable and not wider.nullable:
            self.find("null", place, f"{place} may be null in one document and not in the other")
        if wider.values is not None:
            for value in sorted((narrower.values or {"any other value"}) - wider.values):
                self.find("values", place, f"{place} does not have {value} in both documents")

        for name, their_field in theirs.properties.items():
            key = f"{theirs.owner_of(name)}.{name}"
            if name not in ours.properties:
                self.find("field", key, f"{key} is missing")
                continue
            if (name in theirs.required) != (name in ours.required):
                which = "upstream and not here" if name in theirs.required else "here and not upstream"
                self.find("required", key, f"{key} is required {which}")
            self.schemas(their_field, ours.properties[name], key, sent_by_client)
        for inner in ("items", "others"):
            if getattr(theirs, inner):
                self.schemas(getattr(theirs, inner), getattr(ours, inner) or {}, f"{place}[]", sent_by_client)


# Schemas


@dataclass
class Shape:
    """What a schema comes to once references, `allOf` and alternatives are worked out."""

    owner: str = ""
    types: set = field(default_factory=set)
    nullable: bool = False
    format: str | None = None
    values: set | None = None
    properties: dict = field(default_factory=dict)
    owners: dict = field(default_factory=dict)
    required: set = field(default_factory=set)
    items: dict | None = None
    others: dict | None = None

    @property
    def key(self):
        """Tells alternatives apart: by the properties that can have one value only."""
        if "object" not in self.types:
            return "a plain value"
        fixed = {name: only_value(node) for name, node in self.properties.items()}
        fixed = {name: value for name, value in fixed.items() if value is not None}
        return ", ".join(f"{name}={value}" for name, value in sorted(fixed.items())) or "an object"

    def owner_of(self, name):
        return self.owners.get(name, self.owner)

    def merged(self, other):
        """Both at once."""
        both = Shape(self.owner or other.owner)
        both.types = self.types & other.types or self.types | other.types
        both.nullable = self.nullable or other.nullable
        both.format = self.format or other.format
        both.values = other.values if self.values is None else self.values & (other.values or self.values)
        both.properties = dict(other.properties)
        for name, node in self.properties.items():
            there = other.properties.get(name)
            both.properties[name] = node if there is None or there is node else {"allOf": [there, node]}
        both.owners = {**other.owners, **self.owners}
        both.required = self.required | other.required
        both.items, both.others = self.items or other.items, self.others or other.others
        return both


def shapes(node, owner="", passed=()):
    """The alternatives that a schema allows; one of them, if it has none."""
    if "$ref" in node:
        reference = node["$ref"]
        name = name_of(node)
        found = shapes(target_of(reference), name or owner, (*passed, reference))
        beside = {key: value for key, value in node.items() if key not in ("$ref", "description")}
        return product([own_shape(beside, name or owner)], found) if beside else found

    found = [own_shape(node, owner)]
    for part in node.get("allOf", []):
        found = product(found, shapes(part, owner, passed))

    discriminator = node.get("discriminator") or {}
    mapping = discriminator.get("mapping", {})
    alternatives = node.get("oneOf") or node.get("anyOf") or []
    # One of its own alternatives, looking up what they have in common, must not get the others as well.
    if mapping and not set(mapping.values()) & set(passed):
        fixed = discriminator["propertyName"]
        alternatives = [{"allOf": [{"$ref": target}, {"properties": {fixed: {"const": value}}}]}
                        for value, target in mapping.items()]
    if alternatives:
        found = product(found, together([shape for each in alternatives for shape in shapes(each, owner, passed)]))
    return found


def own_shape(node, owner):
    types = node.get("type", [])
    types = set([types] if isinstance(types, str) else types)
    if "properties" in node:
        types.add("object")
    values = {node["const"]} if "const" in node else set(node["enum"]) if "enum" in node else None
    others = node.get("additionalProperties")
    properties = node.get("properties", {})
    return Shape(owner, types - {"null"}, "null" in types or node.get("nullable") is True, node.get("format"), values,
                 properties, dict.fromkeys(properties, owner), set(node.get("required", [])), node.get("items"),
                 others if isinstance(others, dict) else None)


def product(left, right):
    return [a.merged(b) for a in left for b in right]


def together(alternatives):
    """Objects stay apart; plain values become one shape that has all their types."""
    objects = [shape for shape in alternatives if "object" in shape.types]
    plain = [shape for shape in alternatives if "object" not in shape.types]
    if not plain:
        return objects
    one = Shape(plain[0].owner)
    for shape in plain:
        one.types |= shape.types
        one.nullable = one.nullable or shape.nullable
        one.items = one.items or shape.items
    if all(shape.values is not None for shape in plain):
        one.values = set().union(*(shape.values for shape in plain))
    if objects and one.types == set():
        # `anyOf: [something, null]`
        for shape in objects:
            shape.nullable = shape.nullable or one.nullable
        return objects
    return [*objects, one]


def only_value(node):
    found = shapes(node)
    values = found[0].values if len(found) == 1 else None
    return next(iter(values)) if values is not None and len(values) == 1 else None


def name_of(node):
    reference = node.get("$ref", "")
    return reference.rpartition("/")[2] if "/components/schemas/" in reference else ""


def listed(types):
    return " or ".join(sorted(types)) or "anything"


if __name__ == "__main__":
    sys.exit(main())
