import sys

for line in sys.stdin:
    print('{"echo":' + line.strip() + '}')
