"""The MCP SDK's client over streamable HTTP: lists the tools of the server at a URL, calls one, and prints what came.

client.py URL MODE TOOL ARGUMENTS. MODE is the SDK's: legacy (with a handshake), auto, or a revision without one.
"""

import asyncio
import json
import sys

from mcp import Client


async def main(url, mode, tool, arguments):
    async with Client(url, mode=mode) as client:
        tools = await client.list_tools()
        result = await client.call_tool(tool, json.loads(arguments))
        texts = [content.text for content in result.content if content.type == "text"]
        print(json.dumps({"tools": [tool.name for tool in tools.tools], "error": bool(result.is_error), "text": "".join(texts)}))


asyncio.run(main(*sys.argv[1:]))
