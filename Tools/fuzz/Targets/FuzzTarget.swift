/// What a fuzzer feeds: each takes any string of bytes, which says how a sound sample is to be changed.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// Bytes of an image, checksums made right again; then everything that a program can do.
  case image
  /// Records of the journal, chain and digests made right again.
  case journal
  /// Nodes of an ordered map.
  case nodes
  /// The decoders of records and keys.
  case codecs

  /// Feeds one input. What comes of it is a value or an error; a trap, a hang and a ``FuzzFailure`` are bugs.
  package func run(_ bytes: [UInt8]) throws {
    switch self {
    case .image: StoreExercise.run(on: try mutated(try Samples.stores.get(), bytes, area: .everywhere))
    case .journal: StoreExercise.run(on: try mutated(try Samples.journals.get(), bytes, area: .journal))
    case .nodes:
      let sample = try Samples.tree.get()
      var input = InputReader(bytes)
      var mutator = ImageMutator(sample.source, area: .nodes)
      mutator.apply(&input)
      mutator.repair(&input)
      sample.exercise(mutator.image)
    case .codecs: try Samples.codecs.run(bytes)
    }
  }

  private func mutated(_ samples: [SampleImage], _ bytes: [UInt8], area: ImageMutator.Area) throws -> [UInt8] {
    var input = InputReader(bytes)
    var mutator = ImageMutator(samples[input.below(samples.count)].source, area: area)
    mutator.apply(&input)
    mutator.repair(&input)
    return mutator.image
  }
}

/// An input showed something wrong.
package struct FuzzFailure: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// What inputs change, made once.
enum Samples {
  typealias Stores = Result<[SampleImage], any Error>

  static let stores = Stores {
    try SampleImage.End.allCases.map { try SampleImage.make(SampleImage.Recipe($0, blockByteCount: 512)) }
  }

  /// Those whose journal is followed, and is not known to end at a certain record.
  static let journals = Stores {
    try [1, 2].map { try SampleImage.make(SampleImage.Recipe(.killed, blockByteCount: 512, seed: $0)) }
  }

  static let tree = Result { try TreeSample.make() }
  static let codecs = CodecTarget()
}
