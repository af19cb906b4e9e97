-- Looks at the clock for what the instruction hook does not see: loops that go from coroutine to coroutine, and C
-- functions that have much to do.

local host = ...

return { slice_is_over = host("slice_is_over"), hurry = host("hurry") }
