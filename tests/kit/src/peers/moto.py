# Starts moto, which stands in for AWS, with what clients of AWS rely on and moto does otherwise.
#
# It lists deletions apart from versions and says times to the second, so that how they follow each other is lost, where AWS
# lists them together; hence here it says times as precisely as it has them. Two of its answers are named otherwise than
# those of AWS, and strict clients don't read them; here they are named rightly. It ignores keys of a file's owner (SSE-C);
# here they are wanted as AWS wants them: for every request on the bytes, each time the right one, and a HEAD that lacks it
# is refused without a word. (That such requests come over https only is left out: this is the machine's own.)
import base64
import hashlib
from urllib.parse import parse_qs, unquote

from moto.core.serialize import S3Serializer, TimestampSerializer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
import moto.s3.models

NAMES = {'GetBucketVersioningResponse': 'VersioningConfiguration', 'ListPartsResponse': 'ListPartsResult'}
body = S3Serializer._serialize_body
S3Serializer._serialize_body = lambda self, data: body(self, {NAMES.get(key, key): value for key, value in data.items()})
TimestampSerializer._timestamp_iso8601_zeroed = lambda self, value: value.strftime(self.ISO8601_MICRO)
moto.s3.models.iso_8601_datetime_without_milliseconds_s3 = lambda value: value.strftime(TimestampSerializer.ISO8601_MICRO)

KEY = 'HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_CUSTOMER_'
SOURCE = 'HTTP_X_AMZ_COPY_SOURCE_SERVER_SIDE_ENCRYPTION_CUSTOMER_'
MISSING = 'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
NEEDLESS = 'The encryption parameters are not applicable to this object.'
# What every version of a file, the newest of each, and every upload is under: the checksum of its key.
VERSIONS, NEWEST, UPLOADS = {}, {}, {}


class Refused(Exception):
    pass


def key_of(env, prefix):
    """The checksum of the key that a request has, if it has one, and all three headers are right."""
    algorithm, key, md5 = (env.get(prefix + part) for part in ('ALGORITHM', 'KEY', 'KEY_MD5'))
    if algorithm is None and key is None and md5 is None:
        return None
    try:
        given = base64.b64decode(key, validate=True)
    except Exception:
        given = b''
    if algorithm != 'AES256' or len(given) != 32:
        raise Refused(400, 'InvalidArgument', 'The secret key was invalid for the specified algorithm.')
    if base64.b64encode(hashlib.md5(given).digest()).decode() != md5:
        raise Refused(400, 'InvalidArgument', 'The calculated MD5 hash of the key did not match the hash that was provided.')
    return md5


def fits(given, wanted):
    if wanted is None and given is not None:
        raise Refused(400, 'InvalidRequest', NEEDLESS)
    if wanted is not None and given is None:
        raise Refused(400, 'InvalidRequest', MISSING)
    if given != wanted:
        raise Refused(403, 'AccessDenied', 'Access Denied')


def source_of(env):
    """What the source of a copy is under."""
    path, _, query = env['HTTP_X_AMZ_COPY_SOURCE'].partition('?')
    path = '/' + unquote(path).lstrip('/')
    version = parse_qs(query).get('versionId', [None])[0]
    return VERSIONS.get((path, version)) if version else NEWEST.get(path)


plain = DomainDispatcherApplication.__call__


def keyed(self, env, start):
    method, query = env['REQUEST_METHOD'], parse_qs(env.get('QUERY_STRING', ''), keep_blank_values=True)
    # WSGI has paths as Latin-1.
    path = env.get('PATH_INFO', '').encode('latin-1').decode('utf-8', 'replace')
    others = set(query) - {'versionId', 'partNumber', 'uploadId', 'uploads', 'x-id'} - {name for name in query if name.startswith('response-') or name.startswith('X-Amz-')}
    if path.count('/') < 2 or path.endswith('/') and path.count('/') == 2 or others or method not in ('GET', 'HEAD', 'PUT', 'POST'):
        return plain(self, env, start)
    said, upload = {}, query.get('uploadId', [None])[0]

    def note(status, headers, info=None):
        said['status'], said['headers'] = status, list(headers)
        return lambda data: None

    def refuse(status, code, message):
        text = '' if method == 'HEAD' else f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        start(f'{status} Refused', [('content-type', 'application/xml'), ('content-length', str(len(text)))])
        return [text.encode()]

    try:
        given = key_of(env, KEY)
        if method == 'PUT':
            if 'HTTP_X_AMZ_COPY_SOURCE' in env:
                fits(key_of(env, SOURCE), source_of(env))
            if upload and upload in UPLOADS:
                fits(given, UPLOADS[upload])
        elif method == 'POST' and upload in UPLOADS and given is not None:
            fits(given, UPLOADS[upload])
        answer = b''.join(plain(self, env, note))
        done, headers = said['status'].startswith('2'), said['headers']
        version = next((value for name, value in headers if name.lower() == 'x-amz-version-id'), 'null')
        if done and method in ('GET', 'HEAD') and not upload:
            fits(given, VERSIONS.get((path, version)))
    except Refused as refused:
        # A server reads what it is sent.
        env['wsgi.input'].read(int(env.get('CONTENT_LENGTH') or 0))
        return refuse(*refused.args)
    if done and method == 'PUT' and not upload:
        VERSIONS[(path, version)] = NEWEST[path] = given
    if done and method == 'POST' and 'uploads' in query:
        UPLOADS[answer.decode().split('<UploadId>')[1].split('</UploadId>')[0]] = given
    if done and method == 'POST' and upload and b'<Error>' not in answer:
        given = VERSIONS[(path, version)] = NEWEST[path] = UPLOADS.get(upload)
    if done and given is not None:
        name = 'x-amz-server-side-encryption-customer-'
        headers += [(name + 'algorithm', 'AES256'), (name + 'key-MD5', given)]
    start(said['status'], headers)
    return [answer]


DomainDispatcherApplication.__call__ = keyed

from moto.server import main

main(['-H', '127.0.0.1', '-p', '0'])
