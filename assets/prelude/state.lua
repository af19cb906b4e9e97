-- `alc.state`: values that outlive the session, in files of the home.

local host, kept = ...
local perform, want = kept.perform, host("want_state")

local function get(key, default)
  local found = perform("alc.state.get", want("get", key))
  if found == nil then
    return default
  end
  return found.value
end

local function set(key, value)
  perform("alc.state.set", want("set", key, value))
end

return {
  state = {
    get = get,
    set = set,
    has = function(key)
      return perform("alc.state.has", want("has", key))
    end,
    delete = function(key)
      return perform("alc.state.delete", want("delete", key))
    end,
    keys = function()
      return perform("alc.state.keys", want("keys"))
    end,
    set_nx = function(key, value)
      return perform("alc.state.set_nx", want("set_nx", key, value))
    end,
    incr = function(key, delta, default)
      return perform("alc.state.incr", want("incr", key, delta, default))
    end,
    -- Not one step: the function may ask.
    update = function(key, f, default)
      local value = f(get(key, default))
      set(key, value)
      return value
    end,
    list = function(prefix)
      return perform("alc.state.list", want("list", prefix))
    end,
    show = function(prefix, id)
      return perform("alc.state.show", want("show", prefix, id))
    end,
    reset = function(prefix, id, opts)
      return perform("alc.state.reset", want("reset", prefix, id, opts))
    end,
    set_dispatched = function(prefix, id, value)
      perform("alc.state.set_dispatched", want("set_dispatched", prefix, id, value))
    end,
    delete_dispatched = function(prefix, id)
      return perform("alc.state.delete_dispatched", want("delete_dispatched", prefix, id))
    end,
  },
}
