// The echo, as a Node.js function in a module.
export const handler = async (event) => event;
