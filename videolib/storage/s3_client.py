"""boto3, typed: one S3 bucket, whose errors are ours. The only module that imports boto3.

Loading boto3 takes 0.4 s, so this module is imported when a store is first used. Credentials come from boto3's
own chain (environment, files, instance); they are never logged and stand in no error.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.httpsession import URLLib3Session

from videolib.errors import InvalidInput, ObjectMissing, Unavailable
from videolib.storage.protocol import Address, StoredObject

MIB = 1024 * 1024
MULTIPART_FROM_BYTES = 64 * MIB
PART_BYTES = 16 * MIB  # boto3 makes them larger by itself where a file would have more than 10 000
PARTS_AT_ONCE = 4  # each is held in memory
BREAKS_ALLOWED = 4  # of one read, each of which boto3 tries four times by itself

# The waits between tries are 0-1, 0-2 and 0-4 s: a server that restarts is waited for, a page is not kept for long
_CONFIG: Mapping[str, Any] = {
    "signature_version": "s3v4",
    "retries": {"mode": "standard", "total_max_attempts": 4},
    "connect_timeout": 5,
    "read_timeout": 60,
    "max_pool_connections": 16,
    "tcp_keepalive": True,
    # boto3's newer default sends checksums in trailers, which many S3 servers answer with an error
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
_CREDENTIALS = frozenset(
    {"401", "403", "AccessDenied", "AllAccessDisabled", "AuthFailure", "ExpiredToken", "InvalidAccessKeyId"}
    | {"InvalidToken", "SignatureDoesNotMatch", "Forbidden"}
)


@dataclass(frozen=True)
class Answer:
    """What a plain HTTP request was answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Bucket:
    """One bucket; safe to use from several threads, made anew after a fork."""

    def __init__(self, address: Address, keys: tuple[str, str] | None = None) -> None:
        """Raises InvalidInput for an unknown profile. `keys`: access and secret key, instead of the chain."""
        self._bucket = address.bucket
        self._region = address.region
        with _as_ours():
            session = boto3.Session(profile_name=address.profile)
            self._region = address.region or session.region_name or "us-east-1"
            self._client: Any = session.client(
                "s3",
                endpoint_url=address.endpoint,
                region_name=self._region,
                aws_access_key_id=keys[0] if keys else None,
                aws_secret_access_key=keys[1] if keys else None,
                config=Config(
                    s3={"addressing_style": address.style},
                    proxies={} if _is_loopback(address.endpoint) else None,
                    **_CONFIG,
                ),
            )
        self._client.meta.events.register("before-call.s3.DeleteObjects", _add_content_md5)

    def head(self, key: str) -> StoredObject:
        """Size and tag. Raises ObjectMissing."""
        with _as_ours():
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(key, int(found["ContentLength"]), _tag(found), found.get("LastModified"))

    def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Write a small object in one request."""
        with _as_ours():
            done = self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)
        return StoredObject(key, len(content), _tag(done))

    def upload(self, key: str, path: Path, content_type: str) -> None:
        """Write a file; from 64 MiB in parts, which are withdrawn if one fails."""
        config = TransferConfig(
            multipart_threshold=MULTIPART_FROM_BYTES,
            multipart_chunksize=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        with path.open("rb") as file, _as_ours():
            self._client.upload_fileobj(file, self._bucket, key, ExtraArgs={"ContentType": content_type}, Config=config)

    def open(self, key: str, start: int, length: int | None) -> Body | None:
        """The bytes of a range; None if it begins at the end or beyond. Raises ObjectMissing."""
        if length == 0:
            self.head(key)
            return None
        body = Body(lambda at, tag: self._get(key, at, start, length, tag))
        return body if body.begin() else None

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix`, page after page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with _as_ours():
            for page in pages:
                for found in page.get("Contents", ()):
                    yield StoredObject(found["Key"], int(found["Size"]), _tag(found), found.get("LastModified"))

    def delete(self, keys: list[str]) -> None:
        """Remove up to 1000 objects."""
        objects = [{"Key": key} for key in keys]
        with _as_ours():
            done = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        left = [error.get("Code", "") for error in done.get("Errors", ()) if error.get("Code") not in _MISSING]
        if left:
            raise _unavailable(f"The object store did not remove {len(left)} objects ({left[0]}); try again.")

    def presign(self, key: str, expires_s: int) -> str:
        """An address that answers the object for so many seconds; no request is made."""
        with _as_ours():
            return str(
                self._client.generate_presigned_url(
                    "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=expires_s
                )
            )

    def make(self) -> None:
        """Make the bucket unless it is there."""
        with _as_ours():
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in {"404", "NoSuchBucket"}:
                    raise
            else:
                return
            place = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
            try:
                self._client.create_bucket(
                    Bucket=self._bucket, **({"CreateBucketConfiguration": place} if place else {})
                )
            except ClientError as error:  # somebody else was faster
                if _code(error) != "BucketAlreadyOwnedByYou":
                    raise

    def cors_rules(self) -> list[dict[str, Any]]:
        """The bucket's CORS rules as S3 words them."""
        with _as_ours():
            try:
                rules = self._client.get_bucket_cors(Bucket=self._bucket)["CORSRules"]
            except ClientError as error:
                if _code(error) != "NoSuchCORSConfiguration":
                    raise
                return []
        return [dict(rule) for rule in rules]

    def set_cors_rules(self, rules: list[dict[str, Any]]) -> None:
        """Replace the bucket's CORS rules."""
        with _as_ours():
            self._client.put_bucket_cors(Bucket=self._bucket, CORSConfiguration={"CORSRules": rules})

    def begin_upload(self, key: str, content_type: str) -> str:
        """Begin a multipart upload; its id."""
        with _as_ours():
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return str(begun["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, content: bytes) -> str:
        """Send one part; its tag. The server compares it with the digest that goes along. Raises ObjectMissing."""
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode("ascii")
        where = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
        with _as_ours():
            done = self._client.upload_part(**where, Body=content, ContentMD5=digest)
        return str(done["ETag"])

    def end_upload(self, key: str, upload_id: str, parts: list[tuple[int, str]]) -> None:
        """Make the object of these parts (number, tag). Raises ObjectMissing where there is no such upload any more."""
        listed = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        where = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id}
        with _as_ours():
            self._client.complete_multipart_upload(**where, MultipartUpload={"Parts": listed})

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Withdraw a multipart upload. Raises ObjectMissing."""
        with _as_ours():
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    def abort_uploads(self, prefix: str, before: datetime.datetime, *, keep: Collection[str] = ()) -> int:
        """Withdraw unfinished multipart uploads that began before then, but for those to keep; how many."""
        count = 0
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        with _as_ours():
            for page in pages:
                for upload in page.get("Uploads", ()):
                    if upload["UploadId"] in keep or not upload["Key"].startswith(prefix):
                        continue
                    if upload["Initiated"] <= before:
                        with contextlib.suppress(ObjectMissing):  # finished meanwhile
                            self.abort_upload(upload["Key"], upload["UploadId"])
                            count += 1
        return count

    def _get(self, key: str, at: int, start: int, length: int | None, tag: str | None) -> Any:
        """Begin to read the range again from `at` bytes into it; None where it has no bytes."""
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        first = start + at
        if first or length is not None:
            request["Range"] = f"bytes={first}-" + ("" if length is None else str(start + length - 1))
        if tag is not None:
            request["IfMatch"] = f'"{tag}"'
        with _as_ours():
            try:
                return self._client.get_object(**request)
            except ClientError as error:
                if _code(error) not in {"416", "InvalidRange"}:
                    raise
                return None


class Body:
    """The bytes of a range as they arrive; a connection that breaks is opened again where it broke."""

    def __init__(self, get: Callable[[int, str | None], Any]) -> None:
        """`get` begins the answer so many bytes into the range, of the object with that tag."""
        self._get = get
        self._stream: Any = None
        self._tag: str | None = None
        self._done = 0
        self._breaks_left = BREAKS_ALLOWED

    def begin(self) -> bool:
        """Send the request; False where there are no bytes."""
        answer = self._get(self._done, self._tag)
        if answer is None:
            return False
        self._stream, self._tag = answer["Body"], _tag(answer)
        return True

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        while True:
            try:
                chunk: bytes = self._stream.read(size)
            except (HTTPClientError, IncompleteReadError) as error:
                self.close()
                self._breaks_left -= 1
                if self._breaks_left < 0 or not self.begin():
                    raise _unavailable("The object store broke off while it was read; try again.") from error
            else:
                self._done += len(chunk)
                return chunk

    def close(self) -> None:
        """Let go of the connection. May be repeated."""
        if self._stream is not None:
            self._stream.close()


def request(method: str, url: str, headers: Mapping[str, str]) -> Answer:
    """A request without credentials, as a browser sends it, with the certificates that boto3 trusts."""
    session = URLLib3Session(timeout=(5, 20))
    try:
        with _as_ours():
            answer = session.send(AWSRequest(method=method, url=url, headers=dict(headers)).prepare())
            content: bytes = answer.content
    finally:
        session.close()
    return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, content)


def _is_loopback(endpoint: str | None) -> bool:
    """Whether the server is on this host: a proxy that the environment names cannot reach it."""
    host = urlsplit(endpoint or "").hostname or ""
    return host in {"127.0.0.1", "::1", "localhost"} or host.endswith(".localhost")


def _add_content_md5(params: dict[str, Any], **_event: object) -> None:
    """Some S3 servers refuse DeleteObjects without this header, which boto3 no longer sends."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode("ascii")


def _tag(answer: Mapping[str, Any]) -> str | None:
    return str(answer["ETag"]).strip('"') if "ETag" in answer else None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unavailable(message: str) -> Unavailable:
    return Unavailable(message, code="store_unavailable")


@contextlib.contextmanager
def _as_ours() -> Generator[None]:
    """Turn boto3's errors into ours; their texts (addresses, keys) stay in the cause, for logs."""
    try:
        yield
    except ProfileNotFound as error:
        raise InvalidInput(
            "The AWS credentials file has no such profile; correct profile= in the store's address."
        ) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _unavailable(
            "There are no credentials for the object store; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or a profile."
        ) from error
    except ClientError as error:
        raise _of_answer(error) from error
    except ParamValidationError:
        raise  # a mistake of ours
    except BotoCoreError as error:
        raise _unavailable(
            "The object store does not answer; see that it runs and that its endpoint is right, then try again."
        ) from error


def _of_answer(error: ClientError) -> ObjectMissing | Unavailable:
    code = _code(error)
    if code in _MISSING:
        return ObjectMissing("The store has no such object; it may have been removed.")
    if code == "NoSuchBucket":
        return _unavailable("The object store has no such bucket; run videolib init, or correct the store's address.")
    if code in _CREDENTIALS:
        return _unavailable(
            f"The object store refuses our credentials ({code}); correct them, or give them the right to "
            "list, read, write and delete in the bucket."
        )
    if code == "RequestTimeTooSkewed":
        return _unavailable("The object store refuses our requests because this machine's clock is wrong; set it.")
    return _unavailable(f"The object store could not do what was asked ({code or 'no reason given'}); try again.")
