import CairnMaps
import CairnTables

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
  /// Nodes of the trees of a map, then everything that a program can do with one.
  case maps
  /// Nodes of the trees of tables (rows, indexes, schemas), then everything that a program can do with tables.
  case tables
  /// The decoders of schemas, rows, keys and staged operations of tables.
  case rows

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
    case .codecs: try CodecTarget.general.run(bytes)
    case .rows: try CodecTarget.tables.run(bytes)
    case .maps, .tables:
      let sample = try (self == .maps ? Samples.map : Samples.tables).get()
      var input = InputReader(bytes)
      var mutator = ImageMutator(sample.source, area: .nodes)
      mutator.apply(&input)
      mutator.repair(&input)
      VolumeExercise.run(on: mutator.image)
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
  static let map = Result { try VolumeSample.make(.map) }
  static let tables = Result { try VolumeSample.make(.tables) }
}
