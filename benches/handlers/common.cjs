// The echo, as a Node.js function in a CommonJS file.
exports.handler = async (event) => event;
