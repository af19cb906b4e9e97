-- `io`: what is written goes to the session's log, line by line; there are no files.

local host = ...
local error, isyieldable, select, tostring, type, yield = error, isyieldable, select, tostring, type, yield
local write_text = host("write")

local function write(stream, ...)
  for i = 1, select("#", ...) do
    local v = (select(i, ...))
    if type(v) == "number" then
      v = tostring(v)
    elseif type(v) ~= "string" then
      error("bad argument #" .. i .. " to 'write' (string expected, got " .. type(v) .. ")", 2)
    end
    if write_text(v) and isyieldable() then
      yield()
    end
  end
  return stream
end

local function unavailable()
  return nil, "not available in a session"
end

local function stream()
  local self = {}
  for _, name in next, { "close", "lines", "read", "seek" } do
    self[name] = unavailable
  end
  for _, name in next, { "flush", "setvbuf" } do
    self[name] = function()
      return self
    end
  end
  function self.write(_, ...)
    return write(self, ...)
  end
  return self
end

local stdout = stream()
local io = { stdout = stdout, stderr = stream() }
function io.write(...)
  return write(stdout, ...)
end
for _, name in next, { "close", "input", "lines", "open", "output", "popen", "read", "tmpfile" } do
  io[name] = unavailable
end
function io.flush()
  return stdout
end
function io.type()
  return nil
end
return io
