# Works off orders from an SQS queue, and tells Lambda which of them to deliver again.

require 'json'

PRICES = { 'apple' => 40, 'pear' => 65, 'quince' => 120 }.freeze

def cents(order)
  order.sum { |item, count| PRICES.fetch(item) * count }
end

def handler(event:, context:)
  done, failed = event['Records'].partition do |record|
    puts "#{record['messageId']}: #{cents(JSON.parse(record['body']))} cents"
    true
  rescue KeyError, JSON::ParserError => e
    puts "#{record['messageId']}: #{e.message}"
    false
  end
  puts "#{done.size} orders done, #{context.get_remaining_time_in_millis} ms left"
  { batchItemFailures: failed.map { |record| { itemIdentifier: record['messageId'] } } }
end
