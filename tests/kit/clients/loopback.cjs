// Preloaded into programs that would listen on all interfaces: they listen on this machine's own address only.
const net = require('node:net')
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === 'number' || (typeof args[0] === 'string' && /^\d+$/.test(args[0]))) {
    const callback = args.find(arg => typeof arg === 'function')
    return listen.call(this, { port: Number(args[0]), host: '127.0.0.1' }, ...(callback ? [callback] : []))
  }
  if (args[0] && typeof args[0] === 'object' && args[0].port !== undefined) args[0] = { ...args[0], host: '127.0.0.1' }
  return listen.apply(this, args)
}
