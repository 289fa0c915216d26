{echo: .[0]}
