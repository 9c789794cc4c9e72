public import CairnBlocks

/// The code behind a kind of volume.
///
/// One object serves every volume of its kind, in every transaction and from every thread, so it holds nothing of a
/// volume; what belongs to a volume stands in the volume's trees and data. What it parses from them it may keep: for the
/// volume's definition (`Volume.parsedDefinition`), or for one transaction (`Volume.companion`).
///
/// A filesystem changes its volume only through logical operations: bytes that say "put this under that key", encoded and
/// decoded by itself. `Volume.perform` runs one at once and, in a multi-call transaction, stages its bytes; at commit
/// `apply` does it again on the state that is current then. So both must share their code, an operation must carry
/// everything that it needs (ids, times, the places of data), and the same operation on the same state must give the same
/// result. It must not carry numbers of blocks of trees that were made in the same transaction.
///
/// Nothing on the device may make a filesystem trap: records decode through a bounds-checked reader, and one that makes
/// no sense is `StorageError.damaged`.
public protocol Filesystem: AnyObject, Sendable {
  /// The four characters in the catalog.
  var kind: VolumeKind { get }
  /// The version of the format that it writes. Volumes with a newer one are refused, older ones it must still read.
  var formatVersion: UInt16 { get }

  /// Makes a new volume: its root tree is there, and empty.
  func format(_ volume: Volume, options: [UInt8]) throws(StorageError)
  /// Looks at a volume before its first use after the store was opened.
  func mount(_ volume: Volume) throws(StorageError)
  /// Does an operation. Fails before it changes anything, or else the whole transaction fails.
  func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError)
  /// Looks, before a transaction commits or is prepared, at what its operations left for that moment, and writes what they
  /// did not. What it throws keeps the transaction from committing.
  func complete(_ volume: Volume) throws(StorageError)
  /// Writes, when a call of a multi-call transaction has ended and its changes were taken back, what is to stay whether the
  /// transaction commits or not: numbers that were given out, say. Only after calls that staged something.
  func retain(_ volume: Volume) throws(StorageError)
  /// Whether what the volume gives back is overwritten with zeros, once nothing can need it any more.
  var erasesFreedSpace: Bool { get }
  /// Walks everything that the volume owns and holds it against its own rules.
  func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError)
  /// What the volume takes and holds.
  func usage(of volume: Volume) throws(StorageError) -> VolumeUsage
  /// Gives back about `budget` blocks of a removed volume; true when nothing is left but the root tree. Called until then,
  /// in a transaction each time.
  func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool
  /// Does the next piece of long work that `Volume.begin(work:)` began, with the filesystem's own calls: about `budget` entries,
  /// rows or blocks of it. What it changes and the cursor that it returns are one commit.
  ///
  /// - Parameters:
  ///   - work: what is to be done.
  ///   - cursor: what the piece before returned; empty for the first one.
  /// - Returns: where the next piece goes on; nil when nothing is left. By default the filesystem knows no such work.
  func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]?
  /// Gives back what the pieces of such work left for the next one, because the work was broken off. Part of the operation that
  /// does so. By default there is nothing.
  ///
  /// - Parameters:
  ///   - work: what was to be done.
  ///   - cursor: what the last piece returned.
  func abandon(_ volume: Volume, _ work: [UInt8], cursor: [UInt8]) throws(StorageError)
  /// Brings over what still verifies of a damaged volume to a new one, and tells what is lost. By default all of it is told
  /// as lost: only the filesystem knows what belongs to a volume.
  func salvage(_ salvage: VolumeSalvage) throws(StorageError)
  /// Whether a volume whose record in the catalog is lost looks like one of this kind, by its root tree.
  func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool
  /// What a user calls the thing that `key` of a tree stands for, in a conflict's message.
  func userKey(for key: [UInt8], in tree: BlockNumber, of volume: Volume) -> [UInt8]
}

extension Filesystem {
  /// Nothing to look at.
  public func mount(_ volume: Volume) throws(StorageError) {}

  /// Tells the whole volume as lost.
  public func salvage(_ salvage: VolumeSalvage) throws(StorageError) {
    try salvage.lose("the whole volume: its filesystem (\(kind)) has no salvage")
  }

  /// Knows no long work.
  public func advance(
    _ volume: Volume, _ work: [UInt8], cursor: [UInt8], budget: Int
  ) throws(StorageError) -> [UInt8]? {
    throw .invalidArgument("the filesystem \(kind) of volume \(volume.name) knows no such long work")
  }

  /// Left nothing.
  public func abandon(_ volume: Volume, _ work: [UInt8], cursor: [UInt8]) throws(StorageError) {}

  /// Knows no volume again.
  public func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool { false }

  /// Nothing was left.
  public func complete(_ volume: Volume) throws(StorageError) {}

  /// Nothing is to stay.
  public func retain(_ volume: Volume) throws(StorageError) {}

  /// No.
  public var erasesFreedSpace: Bool { false }

  /// What was accounted.
  public func usage(of volume: Volume) throws(StorageError) -> VolumeUsage { try volume.usage() }

  /// The tree's own key.
  public func userKey(for key: [UInt8], in tree: BlockNumber, of volume: Volume) -> [UInt8] { key }
}

/// What a filesystem keeps beside a volume for as long as a transaction lasts.
public protocol VolumeCompanion: AnyObject {}

/// What a filesystem made of a volume's definition: parsed once, and shared by all transactions that see that definition.
public protocol ParsedDefinition: AnyObject, Sendable {}
