"""The steps of boto3 with SelectObjectContent. Prints a line of JSON for each: {"step": name, "error": text or null}.

Argument: endpoint. Keys come from the environment.
"""

import bz2
import gzip
import json
import sys
import traceback

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

ENDPOINT = sys.argv[1]
BUCKET = "boto3-select"
S3 = boto3.client("s3", endpoint_url=ENDPOINT, config=Config(retries={"total_max_attempts": 1}))
STEPS = []
PEOPLE = b'Name,City,Age\nJane,"Rome, IT",31\nBob,Oslo,5\nAnn,Lima,44\n'


def step(function):
    STEPS.append(function)
    return function


def select(key, expression, source, target=None, **more):
    answer = S3.select_object_content(
        Bucket=BUCKET,
        Key=key,
        Expression=expression,
        ExpressionType="SQL",
        InputSerialization=source,
        OutputSerialization=target or {"CSV": {}},
        **more,
    )
    events = list(answer["Payload"])
    assert "End" in events[-1], events[-1]
    return b"".join(event["Records"]["Payload"] for event in events if "Records" in event), events


@step
def queries_csv_with_a_header():
    S3.create_bucket(Bucket=BUCKET)
    S3.put_object(Bucket=BUCKET, Key="people.csv", Body=PEOPLE)
    source = {"CSV": {"FileHeaderInfo": "USE"}}
    records, events = select("people.csv", "SELECT s.name FROM S3Object s WHERE CAST(s.age AS INT) > 10", source)
    assert records == b"Jane\nAnn\n", records
    stats = [event["Stats"]["Details"] for event in events if "Stats" in event]
    assert stats == [{"BytesScanned": len(PEOPLE), "BytesProcessed": len(PEOPLE), "BytesReturned": 9}], stats


@step
def writes_json():
    records, _ = select("people.csv", "SELECT * FROM S3Object LIMIT 1", {"CSV": {"FileHeaderInfo": "USE"}}, {"JSON": {}})
    assert json.loads(records) == {"Name": "Jane", "City": "Rome, IT", "Age": "31"}, records


@step
def reads_what_is_compressed():
    for name, compress in (("GZIP", gzip.compress), ("BZIP2", bz2.compress)):
        S3.put_object(Bucket=BUCKET, Key="people", Body=compress(PEOPLE * 1000))
        records, _ = select("people", "SELECT COUNT(*) FROM S3Object", {"CSV": {}, "CompressionType": name})
        assert records == b"4000\n", (name, records)


@step
def reads_json_by_a_path():
    S3.put_object(Bucket=BUCKET, Key="a.json", Body=b'{"a":[{"n":1},{"n":2.5}]}')
    records, _ = select("a.json", "SELECT SUM(t.n) FROM S3Object[*].a[*] t", {"JSON": {"Type": "DOCUMENT"}})
    assert records == b"3.5\n", records


@step
def tells_progress():
    _, events = select("people.csv", "SELECT * FROM S3Object", {"CSV": {}}, RequestProgress={"Enabled": True})
    assert any("Progress" in event for event in events), events


@step
def scans_a_range():
    records, _ = select("people.csv", "SELECT * FROM S3Object", {"CSV": {}}, ScanRange={"Start": 20, "End": 40})
    assert records == b"Bob,Oslo,5\n", records


@step
def is_told_what_is_wrong():
    try:
        select("people.csv", "SELECT nothing FROM S3Object", {"CSV": {"FileHeaderInfo": "USE"}})
    except ClientError as error:
        assert error.response["Error"]["Code"] == "MissingHeaders", error
    else:
        raise AssertionError("no error")
    S3.put_object(Bucket=BUCKET, Key="late.csv", Body=b"1\n" * 300_000 + b"x\n")
    try:
        select("late.csv", "SELECT CAST(_1 AS INT) FROM S3Object", {"CSV": {}})
    except EventStreamError as error:
        assert error.response["Error"]["Code"] == "CastFailed", error
    else:
        raise AssertionError("no error")


for function in STEPS:
    error = None
    try:
        function()
    except BaseException:
        error = traceback.format_exc(limit=-3)
    print(json.dumps({"step": function.__name__.replace("_", " "), "error": error}), flush=True)
