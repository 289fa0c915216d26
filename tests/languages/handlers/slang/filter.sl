() = fputs ("{\"echo\":" + strjoin (fgetslines (stdin), "") + "}\n", stdout);
