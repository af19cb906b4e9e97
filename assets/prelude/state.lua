-- `alc.state`: values that outlive the session, in files of the home.

local host, kept = ...
local perform, want = kept.perform, host("want_state")

local function get(key, default)
  local found = perform(want("get", key))
  if found == nil then
    return default
  end
  return found.value
end

local function set(key, value)
  perform(want("set", key, value))
end

return {
  state = {
    get = get,
    set = set,
    has = function(key)
      return perform(want("has", key))
    end,
    delete = function(key)
      return perform(want("delete", key))
    end,
    keys = function()
      return perform(want("keys"))
    end,
    set_nx = function(key, value)
      return perform(want("set_nx", key, value))
    end,
    incr = function(key, delta, default)
      return perform(want("incr", key, delta, default))
    end,
    -- Not one step: the function may ask.
    update = function(key, f, default)
      local value = f(get(key, default))
      set(key, value)
      return value
    end,
    list = function(prefix)
      return perform(want("list", prefix))
    end,
    show = function(prefix, id)
      return perform(want("show", prefix, id))
    end,
    reset = function(prefix, id, opts)
      return perform(want("reset", prefix, id, opts))
    end,
    set_dispatched = function(prefix, id, value)
      perform(want("set_dispatched", prefix, id, value))
    end,
    delete_dispatched = function(prefix, id)
      return perform(want("delete_dispatched", prefix, id))
    end,
  },
}
