-- `package`: what `require` looks at.

local _, kept = ...

return { config = "/\n;\n?\n!\n-\n", cpath = "", loaded = kept.loaded, path = "", preload = kept.preload }
