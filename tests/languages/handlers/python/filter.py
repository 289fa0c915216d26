import sys

print('{"echo":' + sys.stdin.read() + '}')
