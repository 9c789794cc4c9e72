import CairnFuzz
import Foundation

// With `-sanitize=fuzzer` libFuzzer has the entry point and calls `LLVMFuzzerTestOneInput`; `CAIRN_FUZZ_TARGET` says which
// target. Without, the program feeds the files that it is given to the target that is named first.

#if FUZZING
  /// The target of this process.
  private let target =
    ProcessInfo.processInfo.environment["CAIRN_FUZZ_TARGET"].flatMap(FuzzTarget.init(rawValue:)) ?? .image

  /// libFuzzer's entry.
  @_cdecl("LLVMFuzzerTestOneInput")
  public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    do {
      try target.run(input)
    } catch {
      preconditionFailure("\(target.rawValue): \(error)")
    }
    return 0
  }
#else
  /// Feeds files to a target: what libFuzzer saved of an input that went wrong.
  @main
  enum Runner {
    static func main() throws {
      let arguments = CommandLine.arguments
      guard arguments.count > 2, let target = FuzzTarget(rawValue: arguments[1]) else {
        print("usage: cairn-fuzz \(FuzzTarget.allCases.map { $0.rawValue }.joined(separator: "|")) FILE...")
        exit(2)
      }
      for file in arguments[2...] {
        try target.run([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
        print("\(file): nothing wrong")
      }
    }
  }
#endif
