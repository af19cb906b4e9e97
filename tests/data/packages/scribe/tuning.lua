return { pieces = { mode = "lines", size = 2, overlap = 0 }, _schema = { pieces = "how a text is cut" } }
