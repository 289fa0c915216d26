// Finding and loading the handler, in the order of AWS's runtime.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { types } = require('util');
const { isStreaming } = require('./awslambda.cjs');
const { fault } = require('./errors.cjs');

const { env } = process;

/** The handler. `given` is the file, and the name in it, that bootstrap has found. */
async function loadHandler(given) {
  if (!env.NODE_PATH) {
    const [major] = process.versions.node.split('.');
    env.NODE_PATH = `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:${env.LAMBDA_TASK_ROOT}`;
    Module._initPaths();
  }
  // Not what bootstrap was told: what was loaded before this may have put itself in the handler's place.
  const found = (env._HANDLER && find(env._HANDLER, env.LAMBDA_TASK_ROOT || process.cwd())) || given;
  let exported;
  try {
    exported = await exportsOf(found.file);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('UserCodeSyntaxError', String(error), error);
    if (/^(ERR_)?MODULE_NOT_FOUND$/.test(error?.code)) throw fault('ImportModuleError', String(error), error);
    throw error;
  }
  const within = (value) => found.name.split('.').reduce((object, key) => object?.[key], value);
  const handler = within(exported) ?? within(exported?.default);
  const title = env._HANDLER || found.name;
  if (!handler) throw fault('HandlerNotFound', `${title} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('HandlerNotFound', `${title} is not a function`);
  isStreaming(handler);
  return handler;
}

/** The file, and the name in it, that a handler setting means: the first dot of its last part is where AWS divides it. */
function find(setting, root) {
  const [, folder, last] = /^(.*\/)?([^/]*)$/s.exec(setting);
  const dots = [...last.matchAll(/\./g)].map((dot) => dot.index).filter((at) => at > 0 && at < last.length - 1);
  for (const [index, dot] of dots.entries()) {
    const [word, name] = [last.slice(0, dot), last.slice(dot + 1)];
    const file = fileOf(path.resolve(root, folder ?? '', word)) ?? (index === 0 && packageOf(word, root, folder ?? ''));
    if (file) return { file, name };
  }
  return undefined;
}

/** The file for a path without its ending: one without any, a folder's index.js, and then by their endings. */
function fileOf(stem) {
  const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();
  if (isFile(stem)) return stem;
  if (isFile(`${stem}.js`)) return `${stem}.js`;
  if (fs.existsSync(stem)) {
    try {
      return require.resolve(stem);
    } catch {
      // It is a folder without a module.
    }
  }
  return ['.mjs', '.cjs'].map((ending) => stem + ending).find(isFile);
}

/** The file of an installed package, or of one in a layer. */
function packageOf(word, root, folder) {
  try {
    const file = require.resolve(word, { paths: [root, path.resolve(root, folder)] });
    return path.isAbsolute(file) && file;
  } catch {
    return undefined;
  }
}

/** What a file exports. ES modules are imported, for hooks that follow import() see nothing of a require(). */
async function exportsOf(file) {
  const imported = () => import(pathToFileURL(file).href);
  if (file.endsWith('.mjs') || (file.endsWith('.js') && isInModulePackage(path.dirname(file)))) return imported();
  try {
    const exported = require(file);
    return types.isModuleNamespaceObject(exported) ? await imported() : exported;
  } catch (error) {
    // It cannot be loaded at once, or this Node.js is too old to load modules by require().
    if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(error?.code)) throw error;
    return imported();
  }
}

/** Whether the nearest package.json says that .js files are ES modules. */
function isInModulePackage(folder) {
  for (; !folder.endsWith('/node_modules'); folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
      } catch {
        return false;
      }
    }
    if (folder === path.dirname(folder)) break;
  }
  return false;
}

module.exports = { loadHandler };
