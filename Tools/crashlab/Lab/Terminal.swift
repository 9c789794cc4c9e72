import Foundation

/// Lines for whoever reads along; nothing is held back in a buffer, so that a run that is ended has said what it knew.
enum Terminal {
  /// A line of the result, on standard output.
  static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
  /// A line of what went wrong, on standard error.
  static func error(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
