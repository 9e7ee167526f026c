"""The steps of boto3. Prints a line of JSON for each: {"step": name, "error": text or null}.

Arguments: endpoint, tree, scratch, large file (relative to the tree). Keys come from the environment.
"""

import hashlib
import io
import json
import os
import sys
import traceback
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, TREE, SCRATCH, LARGE = sys.argv[1:5]
BUCKET = "boto3-bucket"
S3 = boto3.client(
    "s3",
    endpoint_url=ENDPOINT,
    config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
)
# As most programs make it: it signs URLs and forms by Signature Version 2.
PLAIN = boto3.client("s3", endpoint_url=ENDPOINT)
# By Signature Version 2 in the header.
OLD = boto3.client("s3", endpoint_url=ENDPOINT, config=Config(signature_version="s3", s3={"addressing_style": "path"}))
STEPS = []


def step(function):
    STEPS.append(function)
    return function


def files():
    for folder, _, names in os.walk(TREE):
        for name in names:
            path = os.path.join(folder, name)
            yield path, os.path.relpath(path, TREE)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def error_code(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@step
def makes_a_bucket_and_sees_it():
    S3.create_bucket(Bucket=BUCKET)
    assert BUCKET in [bucket["Name"] for bucket in S3.list_buckets()["Buckets"]]
    S3.get_waiter("bucket_exists").wait(Bucket=BUCKET)


@step
def uploads_a_tree_with_multipart():
    config = TransferConfig(multipart_threshold=6 * 2**20, multipart_chunksize=5 * 2**20)
    for path, key in files():
        S3.upload_file(path, BUCKET, key, Config=config, ExtraArgs={"Metadata": {"from": "boto3"}})
    etag = S3.head_object(Bucket=BUCKET, Key=LARGE)["ETag"]
    assert etag.endswith('-7"'), etag


@step
def downloads_the_same_bytes():
    for path, key in files():
        back = io.BytesIO()
        S3.download_fileobj(BUCKET, key, back)
        assert back.getvalue() == content(path), key


@step
def lists_by_paginator_in_byte_order():
    pages = S3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 3})
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    assert keys == sorted((key for _, key in files()), key=lambda key: key.encode()), keys
    pages = S3.get_paginator("list_objects").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 3})
    assert keys == [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@step
def lists_with_a_delimiter():
    found = S3.list_objects_v2(Bucket=BUCKET, Delimiter="/", Prefix="deep/")
    assert [one["Prefix"] for one in found["CommonPrefixes"]] == ["deep/er/"]
    assert [one["Key"] for one in found["Contents"]] == ["deep/er-and.txt", "deep/er.txt"]


@step
def keeps_odd_keys():
    keys = ["a//b", "//", "end/", "a b+c%2Fd?e&f", "\u00e9", "e\u0301", "\U0001f600", "..", "x" * 1024, "new\nline"]
    for number, key in enumerate(keys):
        S3.put_object(Bucket=BUCKET, Key=key, Body=str(number).encode())
    for number, key in enumerate(keys):
        assert S3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == str(number).encode(), key
    listed = {entry["Key"] for entry in S3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert set(keys) <= listed, set(keys) - listed
    assert error_code(lambda: S3.put_object(Bucket=BUCKET, Key="x" * 1025)) == "KeyTooLongError"


@step
def reads_ranges():
    path, key = next(files())
    whole = bytes(range(256)) * 40
    S3.put_object(Bucket=BUCKET, Key="range", Body=whole)
    got = S3.get_object(Bucket=BUCKET, Key="range", Range="bytes=100-199")
    assert got["Body"].read() == whole[100:200] and got["ContentRange"] == f"bytes 100-199/{len(whole)}"
    assert S3.get_object(Bucket=BUCKET, Key="range", Range="bytes=-5")["Body"].read() == whole[-5:]
    assert error_code(lambda: S3.get_object(Bucket=BUCKET, Key="range", Range="bytes=99999-")) == "InvalidRange"


@step
def keeps_metadata_and_headers():
    S3.put_object(
        Bucket=BUCKET, Key="meta", Body=b"x", Metadata={"Colour": "blue"}, ContentType="text/x-odd",
        CacheControl="no-cache", ContentDisposition="attachment", ContentLanguage="de", ContentEncoding="identity",
    )
    head = S3.head_object(Bucket=BUCKET, Key="meta")
    assert head["Metadata"] == {"colour": "blue"} and head["ContentType"] == "text/x-odd"
    assert head["CacheControl"] == "no-cache" and head["ContentDisposition"] == "attachment"
    assert head["ContentLanguage"] == "de"


@step
def verifies_every_checksum():
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        put = S3.put_object(Bucket=BUCKET, Key="sum", Body=b"checked", ChecksumAlgorithm=algorithm)
        got = S3.get_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert got["Body"].read() == b"checked"
        name = f"Checksum{algorithm}"
        assert got[name] == put[name], algorithm
    wrong = lambda: S3.put_object(Bucket=BUCKET, Key="sum", Body=b"x", ChecksumSHA256="A" * 43 + "=")
    assert error_code(wrong) in ("BadDigest", "InvalidRequest"), error_code(wrong)


@step
def writes_on_condition():
    S3.delete_object(Bucket=BUCKET, Key="once")
    first = S3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")
    assert error_code(lambda: S3.put_object(Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")) == "PreconditionFailed"
    S3.put_object(Bucket=BUCKET, Key="once", Body=b"3", IfMatch=first["ETag"])
    assert error_code(lambda: S3.put_object(Bucket=BUCKET, Key="once", Body=b"4", IfMatch=first["ETag"])) == "PreconditionFailed"
    assert S3.get_object(Bucket=BUCKET, Key="once")["Body"].read() == b"3"


@step
def copies_on_the_server():
    S3.copy({"Bucket": BUCKET, "Key": LARGE}, BUCKET, "copy of large")
    got = S3.get_object(Bucket=BUCKET, Key="copy of large")["Body"]
    digest = hashlib.sha256()
    for chunk in got.iter_chunks(2**20):
        digest.update(chunk)
    assert digest.digest() == hashlib.sha256(content(os.path.join(TREE, LARGE))).digest()
    S3.copy_object(Bucket=BUCKET, Key="meta copy", CopySource={"Bucket": BUCKET, "Key": "meta"})
    assert S3.head_object(Bucket=BUCKET, Key="meta copy")["Metadata"] == {"colour": "blue"}


@step
def works_through_presigned_urls_and_forms_of_version_4():
    assert "X-Amz-Signature=" in url_of(S3, "get_object", "k")
    works_through_urls(S3)
    works_through_a_form(S3)


@step
def works_through_presigned_urls_and_forms_of_version_2():
    assert "AWSAccessKeyId=" in url_of(PLAIN, "get_object", "k")
    works_through_urls(PLAIN)
    works_through_a_form(PLAIN)
    described = url_of(PLAIN, "put_object", "described", ContentType="text/css", Metadata={"color": "red"})
    request = urllib.request.Request(described, data=b"described", method="PUT", headers={"content-type": "text/css"})
    assert urllib.request.urlopen(request).status == 200
    head = S3.head_object(Bucket=BUCKET, Key="described")
    assert (head["ContentType"], head["Metadata"]) == ("text/css", {"color": "red"}), head
    named = url_of(PLAIN, "get_object", "described", ResponseContentDisposition='attachment; filename="a b&c.txt"')
    assert urllib.request.urlopen(named).headers["content-disposition"] == 'attachment; filename="a b&c.txt"'
    assert refusal_of(named.replace("a%20b", "b")) == 403
    assert refusal_of(url_of(PLAIN, "get_object", "described", expires=-1)) == 403


@step
def works_with_signature_version_2_in_the_header():
    at = {"Bucket": BUCKET, "Key": "öld + way"}
    OLD.put_object(**at, Body=b"by version 2", Metadata={"a": "1"})
    assert OLD.get_object(**at)["Body"].read() == b"by version 2"
    assert OLD.list_objects_v2(Bucket=BUCKET, Prefix="öld")["KeyCount"] == 1
    upload = OLD.create_multipart_upload(**at)["UploadId"]
    part = OLD.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"part")
    OLD.complete_multipart_upload(
        **at, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    OLD.copy_object(Bucket=BUCKET, Key="old copy", CopySource=at)
    assert OLD.get_object(Bucket=BUCKET, Key="old copy")["Body"].read() == b"part"
    done = OLD.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": at["Key"]}, {"Key": "old copy"}]})
    assert len(done["Deleted"]) == 2, done


def url_of(client, operation, key, expires=60, **more):
    return client.generate_presigned_url(operation, Params={"Bucket": BUCKET, "Key": key, **more}, ExpiresIn=expires)


def refusal_of(url):
    try:
        urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        return error.code
    return None


def works_through_urls(client):
    url = url_of(client, "put_object", "pre signed+1")
    request = urllib.request.Request(url, data=b"by url", method="PUT", headers={"content-type": ""})
    assert urllib.request.urlopen(request).status == 200
    url = url_of(client, "get_object", "pre signed+1")
    assert urllib.request.urlopen(url).read() == b"by url"
    assert refusal_of(url.replace("pre%20signed", "other")) == 403


def works_through_a_form(client):
    form = client.generate_presigned_post(BUCKET, "by form", ExpiresIn=60)
    line = "\r\n"
    fields = "".join(
        f'--edge{line}Content-Disposition: form-data; name="{name}"{line}{line}{value}{line}'
        for name, value in form["fields"].items()
    )
    fields += f'--edge{line}Content-Disposition: form-data; name="file"; filename="f"{line}{line}by form{line}--edge--{line}'
    request = urllib.request.Request(
        form["url"], data=fields.encode(), headers={"content-type": "multipart/form-data; boundary=edge"}
    )
    assert urllib.request.urlopen(request).status in (200, 204)
    assert S3.get_object(Bucket=BUCKET, Key="by form")["Body"].read() == b"by form"


@step
def runs_a_multipart_upload_by_hand():
    at = {"Bucket": BUCKET, "Key": "by hand"}
    upload = S3.create_multipart_upload(**at)["UploadId"]
    first = S3.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"a" * 5 * 2**20)
    second = S3.upload_part_copy(
        **at, UploadId=upload, PartNumber=2, CopySource={"Bucket": BUCKET, "Key": "range"}, CopySourceRange="bytes=0-9"
    )
    parts = [
        {"PartNumber": 1, "ETag": first["ETag"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]},
    ]
    assert len(S3.list_parts(**at, UploadId=upload)["Parts"]) == 2
    assert [one["UploadId"] for one in S3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == [upload]
    S3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": parts})
    assert S3.get_object(**at)["Body"].read() == b"a" * 5 * 2**20 + bytes(range(10))
    assert "Uploads" not in S3.list_multipart_uploads(Bucket=BUCKET)


@step
def tags_objects_and_the_bucket():
    at = {"Bucket": BUCKET, "Key": "tagged"}
    S3.put_object(**at, Body=b"x", Tagging="a=1&b=with%20space")
    two = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "with space"}]
    assert S3.get_object_tagging(**at)["TagSet"] == two
    assert S3.get_object(**at)["TagCount"] == 2
    S3.copy_object(Bucket=BUCKET, Key="copied tags", CopySource=at)
    assert S3.get_object_tagging(Bucket=BUCKET, Key="copied tags")["TagSet"] == two
    other = [{"Key": "c", "Value": ""}]
    S3.copy_object(Bucket=BUCKET, Key="new tags", CopySource=at, TaggingDirective="REPLACE", Tagging="c=")
    assert S3.get_object_tagging(Bucket=BUCKET, Key="new tags")["TagSet"] == other
    S3.put_object_tagging(**at, Tagging={"TagSet": other})
    assert S3.get_object_tagging(**at)["TagSet"] == other
    S3.delete_object_tagging(**at)
    assert S3.get_object_tagging(**at)["TagSet"] == []
    many = [{"Key": str(n), "Value": ""} for n in range(11)]
    assert error_code(lambda: S3.put_object_tagging(**at, Tagging={"TagSet": many})) == "BadRequest"
    assert error_code(lambda: S3.get_bucket_tagging(Bucket=BUCKET)) == "NoSuchTagSet"
    S3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": many})
    assert S3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == many
    S3.delete_bucket_tagging(Bucket=BUCKET)
    S3.upload_file(os.path.join(TREE, LARGE), BUCKET, "large and tagged", ExtraArgs={"Tagging": "a=1"})
    assert S3.head_object(Bucket=BUCKET, Key="large and tagged")["TagCount"] == 1


@step
def makes_rules_for_other_origins_and_a_website():
    rules = [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 5}]
    assert error_code(lambda: S3.get_bucket_cors(Bucket=BUCKET)) == "NoSuchCORSConfiguration"
    S3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})
    assert S3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == rules
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    request = urllib.request.Request(f"{ENDPOINT}/{BUCKET}/any", method="OPTIONS", headers=asked)
    answer = urllib.request.urlopen(request)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    S3.delete_bucket_cors(Bucket=BUCKET)
    assert error_code(lambda: S3.get_bucket_cors(Bucket=BUCKET)) == "NoSuchCORSConfiguration"
    website = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    S3.put_bucket_website(Bucket=BUCKET, WebsiteConfiguration=website)
    found = S3.get_bucket_website(Bucket=BUCKET)
    assert {name: found[name] for name in website} == website
    S3.delete_bucket_website(Bucket=BUCKET)
    assert error_code(lambda: S3.get_bucket_website(Bucket=BUCKET)) == "NoSuchWebsiteConfiguration"


@step
def looks_at_settings_that_nobody_made():
    at = {"Bucket": BUCKET}
    assert "Status" not in S3.get_bucket_accelerate_configuration(**at)
    S3.put_bucket_accelerate_configuration(**at, AccelerateConfiguration={"Status": "Suspended"})
    assert "LoggingEnabled" not in S3.get_bucket_logging(**at)
    S3.put_bucket_logging(**at, BucketLoggingStatus={})
    assert "TopicConfigurations" not in S3.get_bucket_notification_configuration(**at)
    S3.put_bucket_notification_configuration(**at, NotificationConfiguration={})
    assert error_code(lambda: S3.get_bucket_replication(**at)) == "ReplicationConfigurationNotFoundError"
    assert error_code(lambda: S3.get_bucket_lifecycle_configuration(**at)) == "NoSuchLifecycleConfiguration"
    assert error_code(lambda: S3.get_bucket_metadata_configuration(**at)) == "MetadataConfigurationNotFound"
    assert "InventoryConfigurationList" not in S3.list_bucket_inventory_configurations(**at)
    enabled = {"Status": "Enabled"}
    assert error_code(lambda: S3.put_bucket_accelerate_configuration(**at, AccelerateConfiguration=enabled)) == "NotImplemented"


@step
def gets_the_error_codes_of_s3():
    assert error_code(lambda: S3.get_object(Bucket=BUCKET, Key="no such")) == "NoSuchKey"
    assert error_code(lambda: S3.head_object(Bucket=BUCKET, Key="no such")) == "404"
    assert error_code(lambda: S3.list_objects_v2(Bucket="no-such-bucket")) == "NoSuchBucket"
    assert error_code(lambda: S3.delete_bucket(Bucket=BUCKET)) == "BucketNotEmpty"
    bad = boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id="NOBODY", aws_secret_access_key="x")
    assert error_code(bad.list_buckets) == "InvalidAccessKeyId"
    bad = boto3.client("s3", endpoint_url=ENDPOINT, aws_secret_access_key="x", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    assert error_code(bad.list_buckets) == "SignatureDoesNotMatch"


@step
def deletes_everything_and_the_bucket():
    keys = [
        entry["Key"]
        for page in S3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        for entry in page.get("Contents", [])
    ]
    done = S3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
    assert "Errors" not in done, done["Errors"]
    assert S3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    S3.delete_bucket(Bucket=BUCKET)
    assert BUCKET not in [bucket["Name"] for bucket in S3.list_buckets()["Buckets"]]


for function in STEPS:
    error = None
    try:
        function()
    except BaseException:
        error = traceback.format_exc(limit=-3)
    print(json.dumps({"step": function.__name__.replace("_", " "), "error": error}), flush=True)
