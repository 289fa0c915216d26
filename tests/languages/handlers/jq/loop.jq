{echo: .}
