"""Streams: what a generator yields goes out as it comes. This part is run at the first one."""


def stream(client, invoke_id, invocation_id, parts):
    """Text or bytes, part by part; a dict as the first one is an HTTP response's status, headers and cookies."""
    first = next(parts, b"")  # what fails up to here is an ordinary error
    content_type = "application/octet-stream"
    if isinstance(first, dict):
        content_type = "application/vnd.awslambda.http-integration-response"
        response = {"statusCode": 200, "headers": {}, "cookies": []}
        response.update(first)
        first = to_bytes(to_json(response)) + bytes(8)
    headers = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked"}
    headers["Content-Type"] = content_type
    client.write(head(invoke_id, invocation_id, headers))
    end = "0\r\n"
    try:
        write_chunk(client, first)
        for part in parts:
            write_chunk(client, part)
    except Exception as error:
        later("errors")
        result = build_fault_result(error)
        result["requestId"] = invoke_id
        result["errorMessage"] = result["errorMessage"][:8000]
        result["stackTrace"] = result["stackTrace"][-20:]
        text = encode_ascii(result)
        end += "%s: %s\r\n" % next(iter(error_headers(text).items()))
        end += "Lambda-Runtime-Function-Error-Body: %s\r\n" % text
    client.write((end + "\r\n").encode())


def write_chunk(client, part):
    data = to_bytes(part) if isinstance(part, str) else part
    if not isinstance(data, bytes):
        raise TypeError("a stream is made of str or bytes, not " + type(part).__name__)
    if data:  # an empty chunk would be the end
        client.write(b"%x\r\n%b\r\n" % (len(data), data))
