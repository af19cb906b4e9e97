-- `alc.card`: what was found out about a package, in files of the home.

local host, kept = ...
local perform, want = kept.perform, host("want_card")

local card = {}
for _, name in next, {
  "alias_list", "alias_set", "append", "create", "find", "get", "get_by_alias", "lineage", "list", "read_samples",
  "write_samples",
} do
  card[name] = function(...)
    return perform("alc.card." .. name, want(name, ...))
  end
end

return { card = card }
