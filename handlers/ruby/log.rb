# What stands before the adapter, in the same text: what it takes, and Ruby's Logger as it is in AWS's runtime.

if RUBY_VERSION < '2.7'
  print "{\"errorMessage\":\"The adapter takes Ruby 2.7 or newer; this is #{RUBY_VERSION}\"," \
        '"errorType":"Runtime.InvalidEntrypoint","stackTrace":[]}'
  exit 1
end

# All that is needed later, too, so that no file of the user's is taken for it.
require 'json'
require 'stringio'
begin
  require 'logger'
rescue LoadError
  nil # it is a gem since Ruby 4.0, which not everybody has
end

module LambdaStdio
  # The request that is being worked on, for the log.
  class << self
    attr_accessor :request_id
  end

  # Log lines as AWS's runtime has them: with the event's request id, or as JSON if that is the function's log format.
  module LogFormat
    def self.json?
      ENV['AWS_LAMBDA_LOG_FORMAT'].to_s.casecmp?('json')
    end

    def self.level
      name = ENV['AWS_LAMBDA_LOG_LEVEL'].to_s.upcase
      %w[DEBUG INFO WARN ERROR FATAL].index(name) || Logger::DEBUG
    end

    module_function

    def text(severity, time, progname, message)
      format("%<initial>s, [%<time>s #%<pid>d] %<severity>5s %<id>s -- %<progname>s: %<message>s\n",
             initial: severity[0], time: time.strftime('%Y-%m-%dT%H:%M:%S.%6N'), pid: Process.pid, severity: severity,
             id: LambdaStdio.request_id, progname: progname, message: readable(message))
    end

    def json(severity, time, progname, message)
      entry = { timestamp: time.getutc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ'), level: severity,
                message: readable(message.is_a?(Exception) ? message.message : message),
                requestId: LambdaStdio.request_id, logger: progname && LambdaStdio.text(progname.to_s) }
      entry.update(error(message)) if message.is_a?(Exception)
      "#{entry.compact.to_json}\n"
    end

    def error(error)
      stack = (error.backtrace || []).map { |line| LambdaStdio.text(line) }
      file, line, label = stack.first&.match(/\A(.*):(\d+):in [`'](.*)'\z/)&.captures
      { errorType: error.class.to_s, errorMessage: LambdaStdio.text(error.message), stackTrace: stack,
        location: file && "#{file}:#{label}:#{line}" }
    end

    def readable(message)
      text = case message
             when String then message
             when Exception then "#{message.message} (#{message.class})\n#{(message.backtrace || []).join("\n")}"
             else message.inspect
             end
      LambdaStdio.text(text)
    end
  end

  # What Logger.new means where the log is meant, and nothing else was said.
  module LogDefaults
    def initialize(device = nil, *rest, level: nil, formatter: nil, **options)
      if device.nil? || device.equal?($stdout) || device.equal?($stderr)
        device ||= $stdout
        level ||= LogFormat.level
        formatter ||= LogFormat.method(LogFormat.json? ? :json : :text)
      end
      super(device, *rest, level: level || Logger::DEBUG, formatter: formatter, **options)
    end
  end
end

