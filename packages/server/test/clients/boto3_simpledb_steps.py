"""The steps of boto3 with SimpleDB. Prints a line of JSON for each: {"step": name, "error": text or null}.

Arguments: endpoint. Keys come from the environment.
"""

import json
import sys
import time
import traceback

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
ONCE = Config(retries={"total_max_attempts": 1})
SDB = boto3.client("sdb", endpoint_url=ENDPOINT, config=ONCE)
DOMAIN = "boto3-domain"
STEPS = []


def step(function):
    STEPS.append(function)
    return function


def pairs(attributes):
    return [(attribute["Name"], attribute["Value"]) for attribute in attributes]


def read(item, **options):
    answer = SDB.get_attributes(DomainName=DOMAIN, ItemName=item, ConsistentRead=True, **options)
    return pairs(answer.get("Attributes", []))


def put(item, *triples, **options):
    attributes = [{"Name": n, "Value": v, "Replace": r} for n, v, r in triples]
    SDB.put_attributes(DomainName=DOMAIN, ItemName=item, Attributes=attributes, **options)


def refusal(call):
    try:
        call()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return None


@step
def makes_a_domain_and_sees_it():
    assert SDB.list_domains().get("DomainNames", []) == []
    SDB.create_domain(DomainName=DOMAIN)
    SDB.create_domain(DomainName=DOMAIN)
    assert SDB.list_domains()["DomainNames"] == [DOMAIN]


@step
def puts_and_gets_awkward_text():
    text = "x+y z/é~*!'()&=%20 \U0001f600"
    put("i 1/é~*", ("a", text, True), ("b", "", False), ("b", "2", False))
    assert read("i 1/é~*") == [("a", text), ("b", ""), ("b", "2")], read("i 1/é~*")
    assert read("i 1/é~*", AttributeNames=["b", "c"]) == [("b", ""), ("b", "2")]


@step
def finds_nothing_where_nothing_is():
    assert read("none") == []
    assert "Items" not in SDB.select(SelectExpression=f"select * from `{DOMAIN}` where z = '1'")


@step
def writes_and_deletes_batches():
    items = [
        {"Name": f"item-{at}", "Attributes": [{"Name": "n", "Value": f"{at:03}"}, {"Name": "all", "Value": "yes"}]}
        for at in range(25)
    ]
    SDB.batch_put_attributes(DomainName=DOMAIN, Items=items)
    assert SDB.domain_metadata(DomainName=DOMAIN)["ItemCount"] == 26
    # boto3's own model wants a value with every attribute of a delete.
    deletes = [{"Name": f"item-{at}", "Attributes": [{"Name": "all", "Value": "yes"}]} for at in range(5)]
    SDB.batch_delete_attributes(DomainName=DOMAIN, Items=deletes)
    assert read("item-4") == [("n", "004")]


@step
def selects_in_pages():
    names = []
    pages = SDB.get_paginator("select").paginate(
        SelectExpression=f"select n from `{DOMAIN}` where n > '003' order by n desc limit 7", ConsistentRead=True
    )
    for page in pages:
        names.extend(item["Name"] for item in page.get("Items", []))
    assert names == [f"item-{at}" for at in range(24, 3, -1)], names


@step
def counts():
    answer = SDB.select(SelectExpression=f"select count(*) from `{DOMAIN}` where all = 'yes'")
    assert answer["Items"] == [{"Name": "Domain", "Attributes": [{"Name": "Count", "Value": "20"}]}], answer


@step
def puts_and_deletes_on_condition():
    put("c", ("v", "1", True), Expected={"Name": "v", "Exists": False})
    put("c", ("v", "2", True), Expected={"Name": "v", "Value": "1", "Exists": True})
    again = lambda: put("c", ("v", "3", True), Expected={"Name": "v", "Value": "1"})
    assert refusal(again) == (409, "ConditionalCheckFailed")
    missing = lambda: put("c", ("v", "3", True), Expected={"Name": "w", "Value": "1"})
    assert refusal(missing) == (404, "AttributeDoesNotExist")
    SDB.delete_attributes(DomainName=DOMAIN, ItemName="c", Expected={"Name": "v", "Value": "2"})
    assert read("c") == []


@step
def is_told_what_is_wrong():
    assert refusal(lambda: SDB.domain_metadata(DomainName="missing")) == (400, "NoSuchDomain")
    assert refusal(lambda: SDB.select(SelectExpression="select from")) == (400, "InvalidQueryExpression")
    stranger = boto3.client(
        "sdb", endpoint_url=ENDPOINT, aws_access_key_id="NOBODY", aws_secret_access_key="x", config=ONCE
    )
    assert refusal(stranger.list_domains) == (403, "InvalidClientTokenId")


@step
def exports_to_a_bucket():
    s3 = boto3.client("s3", endpoint_url=ENDPOINT, config=ONCE)
    s3.create_bucket(Bucket="boto3-exports")
    v2 = boto3.client("simpledbv2", endpoint_url=ENDPOINT, config=ONCE)
    arn = v2.start_domain_export(domainName=DOMAIN, s3Bucket="boto3-exports")["exportArn"]
    while (answer := v2.get_export(exportArn=arn))["exportStatus"] in ("PENDING", "IN_PROGRESS"):
        time.sleep(0.2)
    assert answer["exportStatus"] == "SUCCEEDED", answer
    manifest = json.load(s3.get_object(Bucket="boto3-exports", Key=answer["exportManifest"])["Body"])
    assert manifest["itemsCount"] == answer["itemsCount"] == 26, (manifest, answer)
    assert [one["exportArn"] for one in v2.list_exports(domainName=DOMAIN)["exportSummaries"]] == [arn]


@step
def deletes_the_domain():
    SDB.delete_domain(DomainName=DOMAIN)
    SDB.delete_domain(DomainName=DOMAIN)
    assert SDB.list_domains().get("DomainNames", []) == []


for function in STEPS:
    error = None
    try:
        function()
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"step": function.__name__.replace("_", " "), "error": error}), flush=True)
