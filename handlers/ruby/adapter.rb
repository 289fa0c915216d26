# Runs a Ruby method as a handler, as AWS's own Ruby runtime does: `function.handler` is the method `handler` in function.rb,
# `function.Orders::Api.create` the class method `create` of `Orders::Api` there. Either is called with `event:` and `context:`.
#
# bootstrap starts `ruby -e THIS -- FILE NAME`, with log.rb before THIS, and speaks messages with it: see handlers/README.md.

# The object that handlers get as `context:`.
class LambdaContext
  LONGEST_TIME = 15 * 60 * 1000 # in milliseconds: no function may take longer

  attr_reader :aws_request_id, :invoked_function_arn, :deadline_ms, :client_context, :identity, :tenant_id,
              :function_name, :function_version, :memory_limit_in_mb, :log_group_name, :log_stream_name

  def initialize(request)
    @aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
    @invoked_function_arn = request['Lambda-Runtime-Invoked-Function-Arn']
    @deadline_ms = request['Lambda-Runtime-Deadline-Ms'].to_i
    # Emulators send one in the past, and mean that there is none.
    @deadline_ms = now + LONGEST_TIME if @deadline_ms <= now
    @client_context = json(request['Lambda-Runtime-Client-Context'])
    @identity = json(request['Lambda-Runtime-Cognito-Identity'])
    @tenant_id = request['Lambda-Runtime-Aws-Tenant-Id']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
  end

  def get_remaining_time_in_millis
    [deadline_ms - now, 0].max
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
  end

  # Emulators leave some of it in base64, which stays a string.
  def json(text)
    text && JSON.parse(text)
  rescue JSON::ParserError
    text
  end
end

module AwsLambda
  # Between bytes and objects. AWS's runtime lets functions replace both methods, so their names are the same here.
  class Marshaller
    def self.marshall_request(request)
      type = request['Content-Type']
      type.nil? || type.start_with?('application/json') ? JSON.parse(request.body) : request.body
    end

    # The body, and its content type where that is not JSON's.
    def self.marshall_response(result)
      case result
      when StringIO, IO then [result, 'application/unknown']
      else result.to_json
      end
    end
  end
end

module LambdaStdio
  # An event as it came: its headers, by any spelling of their names, and its body.
  class Request
    attr_reader :body

    # The next one, or nil at the end of input.
    def self.read(input)
      lines = input.each_line.take_while { |line| !line.chomp.empty? }
      headers = lines.to_h { |line| line.chomp.split(/:\s*/, 2) }.transform_keys(&:downcase)
      length = headers['content-length'] or return
      body = input.read(length.to_i)
      new(headers, body.force_encoding(Encoding::UTF_8)) if body&.bytesize == length.to_i
    end

    def initialize(headers, body)
      @headers = headers
      @body = body
    end

    def [](name)
      @headers[name.downcase]
    end
  end

  # A failure that has a name of Lambda's own.
  class Fault < StandardError
    attr_reader :type

    def self.instead_of(type, *errors)
      yield
    rescue *errors => e
      raise new(type, e.message, e.backtrace)
    end

    def initialize(type, message, backtrace = nil)
      super(message)
      @type = type
      set_backtrace(backtrace) if backtrace
    end
  end

  module_function

  def run(file, name)
    input, output = take_pipes
    Logger.prepend(LogDefaults) if defined?(Logger)
    # What some libraries know Lambda by.
    ENV['AWS_EXECUTION_ENV'] ||= "AWS_Lambda_ruby#{RUBY_VERSION[/\d+\.\d+/]}" if ENV['AWS_LAMBDA_RUNTIME_API']
    # Not what the locale says: JSON is UTF-8, and so are the files of nearly everybody.
    Encoding.default_external = Encoding::UTF_8
    handler = begin
      find_libraries
      load_handler(file, name)
    rescue SignalException
      raise
    rescue Exception => e # whatever it is, it is the reason why there is no handler
      output.write(error_object(error_type(e, 'Init'), e))
      exit 1
    end
    output.write("lambda-stdio/1 ready\n")
    while (request = Request.read(input))
      output.write(*answer(handler, request))
    end
  end

  # Keeps stdin and stdout for messages. The function's own input is empty, and what it prints goes to the log.
  def take_pipes
    pipes = [$stdin, $stdout].map { |stream| stream.dup.binmode }
    $stdin.reopen(File::NULL)
    $stdout.reopen($stderr)
    $stdout.sync = pipes.last.sync = true
    pipes
  end

  # Where AWS's runtime looks, too: in the zip, with its gems in vendor/bundle, then in layers, then in Ruby's own places.
  def find_libraries
    root = ENV.fetch('LAMBDA_TASK_ROOT', Dir.pwd)
    version = RbConfig::CONFIG['ruby_version']
    $LOAD_PATH.unshift(root, '/opt/ruby/lib')
    ENV['GEM_PATH'] ||= "#{root}/vendor/bundle/ruby/#{version}:/opt/ruby/gems/#{version}:"
    Gem.clear_paths
  end

  def load_handler(file, name)
    Fault.instead_of('Runtime.UserCodeSyntaxError', SyntaxError) do
      Fault.instead_of('Runtime.ImportModuleError', LoadError) { require file }
    end
    scope, _, method = name.rpartition('.')
    begin
      (scope.empty? ? TOPLEVEL_BINDING.receiver : Object.const_get(scope)).method(method)
    rescue NameError
      raise Fault.new('Runtime.HandlerNotFound', "There is no method #{name} in #{file}")
    end
  end

  # The message that answers this request, in pieces.
  def answer(handler, request)
    ENV['_X_AMZN_TRACE_ID'] = request['Lambda-Runtime-Trace-Id']
    LambdaStdio.request_id = request['Lambda-Runtime-Aws-Request-Id']
    body, content_type = call(handler, request)
    message(request, body, 'Content-Type' => content_type || 'application/json')
  rescue SignalException
    raise
  rescue Exception => e # even `exit` and an exhausted stack: the next event finds the process as it is
    type = error_type(e, 'Function')
    message(request, error_object(type, e), 'Lambda-Runtime-Function-Error-Type' => type,
                                            'Lambda-Runtime-Function-XRay-Error-Cause' => xray_cause(type, e))
  end

  def call(handler, request)
    event = Fault.instead_of('Runtime.UnmarshalError', JSON::JSONError, EncodingError) do
      AwsLambda::Marshaller.marshall_request(request)
    end
    result = handler.call(event: event, context: LambdaContext.new(request))
    Fault.instead_of('Runtime.MarshalError', JSON::JSONError, EncodingError) do
      body, content_type = AwsLambda::Marshaller.marshall_response(result)
      [body.respond_to?(:read) ? body.read : body, content_type]
    end
  end

  def message(request, body, headers)
    headers = { 'Lambda-Runtime-Aws-Request-Id' => request['Lambda-Runtime-Aws-Request-Id'], **headers,
                'Content-Length' => body.bytesize }.compact
    [headers.map { |name, value| "#{name}: #{value}\n" }.join, "\n", body]
  end

  # AWS's runtime writes them so: Function<ArgumentError>, Init<KeyError>.
  def error_type(error, where)
    error.is_a?(Fault) ? error.type : "#{where}<#{error.class}>"
  end

  def error_object(type, error)
    { errorMessage: text(error.message), errorType: type, stackTrace: own_frames(error).map { |line| text(line) } }.to_json
  end

  # The backtrace without the adapter's own lines.
  def own_frames(error)
    (error.backtrace || []).first(100).reject { |line| line.start_with?('-e:', '<internal:') }
  end

  # One line in ASCII, or nil if it would be too long for a header.
  def xray_cause(type, error)
    stack = own_frames(error).first(32).map do |line|
      path, number, label = line.match(/\A(.*?):(\d+)(?::in [`'](.*)')?\z/)&.captures || [line, 0, '']
      { path: text(path)[0, 256], line: number.to_i, label: text(label.to_s)[0, 128] }
    end
    cause = { working_directory: Dir.pwd, paths: stack.map { |frame| frame[:path] }.uniq,
              exceptions: [{ message: text(error.message)[0, 1024], type: type, stack: stack }] }
    line = JSON.generate(cause, ascii_only: true)
    line if line.bytesize < 32_768
  rescue SystemCallError # there may be no such folder any more
    nil
  end

  # A message may hold any bytes, JSON may not.
  def text(string)
    string.dup.force_encoding(Encoding::UTF_8).scrub
  end
end

LambdaStdio.run(*ARGV.shift(2))
