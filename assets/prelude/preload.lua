-- The loaders that a program has put up for `require`; `package.preload` is the same table.

return { preload = {} }
