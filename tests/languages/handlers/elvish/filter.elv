var event = (slurp)
print '{"echo":'$event'}'
