/// A word, name, value or symbol of a condition.
enum ClauseToken: Equatable {
  /// A word without quotes: a key word or a column.
  case word(String)
  /// A column in double quotes.
  case name(String)
  /// Text in single quotes.
  case text(String)
  /// Digits, with a sign, a point and an exponent.
  case number(String)
  /// A parenthesis, a comma, or a comparison.
  case symbol(String)

  /// The token for a message.
  var text: String {
    switch self {
    case .word(let text), .number(let text): "'\(text)'"
    case .symbol(let text): "'\(text)'"
    case .name(let text): "\"\(text)\""
    case .text(let text): "the text '\(text)'"
    }
  }

  /// The tokens of a text.
  static func tokens(of text: String) throws -> [ClauseToken] {
    var scalars = Array(text.unicodeScalars)[...]
    var tokens: [ClauseToken] = []
    while let first = scalars.first {
      switch first {
      case _ where first.properties.isWhitespace: scalars.removeFirst()
      case "'": tokens.append(.text(try quoted(&scalars, "'")))
      case "\"": tokens.append(.name(try quoted(&scalars, "\"")))
      case _ where isWordStart(first): tokens.append(.word(run(&scalars, isWordPart)))
      case "0"..."9", "-", "+", ".": tokens.append(.number(number(&scalars)))
      default: tokens.append(.symbol(try symbol(&scalars)))
      }
    }
    return tokens
  }

  private static func isWordStart(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isAlphabetic }

  private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
    isWordStart(scalar) || scalar.properties.numericType != nil
  }

  private static func run(
    _ scalars: inout ArraySlice<Unicode.Scalar>, _ belongs: (Unicode.Scalar) -> Bool
  ) -> String {
    var text = String.UnicodeScalarView()
    while let scalar = scalars.first, belongs(scalar) {
      text.append(scalar)
      scalars.removeFirst()
    }
    return String(text)
  }

  /// A number; what is none in the end shows when it is read as a value.
  private static func number(_ scalars: inout ArraySlice<Unicode.Scalar>) -> String {
    var previous: Unicode.Scalar = " "
    return run(&scalars) { scalar in
      let isSign = scalar == "-" || scalar == "+"
      let belongs = isSign ? previous == " " || previous == "e" || previous == "E" : isWordPart(scalar) || scalar == "."
      previous = scalar
      return belongs
    }
  }

  /// Text up to the closing quote; a doubled quote stands for itself.
  private static func quoted(
    _ scalars: inout ArraySlice<Unicode.Scalar>, _ quote: Unicode.Scalar
  ) throws -> String {
    scalars.removeFirst()
    var text = String.UnicodeScalarView()
    while let scalar = scalars.popFirst() {
      if scalar == quote {
        guard scalars.first == quote else { return String(text) }
        scalars.removeFirst()
      }
      text.append(scalar)
    }
    throw Failure("the condition has a quote (\(quote)) that is never closed", .usage)
  }

  private static func symbol(_ scalars: inout ArraySlice<Unicode.Scalar>) throws -> String {
    for symbol in ["!=", "<>", "<=", ">=", "==", "=", "<", ">", "(", ")", ","]
    where scalars.starts(with: symbol.unicodeScalars) {
      scalars.removeFirst(symbol.unicodeScalars.count)
      return symbol
    }
    let found = scalars.first.map { String($0) } ?? ""
    throw Failure("the condition has '\(found)', which means nothing there", .usage)
  }
}
