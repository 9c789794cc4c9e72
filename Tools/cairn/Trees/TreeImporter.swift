internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// Stores what a walk finds, one commit for each file or link.
///
/// A folder waits for the first thing in it and is stored in the same commit; one that stays empty gets a commit of its
/// own when the walk leaves it.
final class TreeImporter: TreeReader.Visitor {
  private let target: PrefixAddress
  private let volume: VolumeOption
  private let store: Store
  private let image: FileIdentity
  private let progress: ProgressBar
  private var output = StandardOutput()
  private var waiting: [TreeReader.Entry] = []
  private var unreadableCount = 0
  private var refusedCount = 0

  /// An importer to a place in a store. The file `image`, which holds the store, is left out: it would grow as it is
  /// read.
  init(
    to target: PrefixAddress, of volume: VolumeOption, in store: Store, without image: FileIdentity,
    progress: ProgressBar
  ) {
    self.target = target
    self.volume = volume
    self.store = store
    self.image = image
    self.progress = progress
  }

  /// What was left out, as a failure of the whole; nil when nothing was.
  var failure: Failure? {
    if unreadableCount > 0 {
      return Failure("\(unreadableCount) files or folders could not be read and were left out", .system)
    }
    return refusedCount == 0 ? nil : Failure("\(refusedCount) files were left out", .refused)
  }

  /// Makes the bucket, so that it is there even when the folder is empty.
  func makeBucket() throws {
    try store.change(in: nil) { transaction in
      _ = try volume.objects(in: transaction).createBucket(target.bucket, ifMissing: true)
    }
  }

  func visitFile(_ entry: TreeReader.Entry, contents: borrowing Descriptor) throws {
    if entry.status.identity == image { return tell("\(Text.visible(entry.path)) is the image itself: left out") }
    let source: ObjectSource
    do {
      source = try ObjectSource.read(contents, for: store) { progress.advance(by: $0) }
    } catch let failure as SystemFailure {
      return fail(failure)
    }
    try commit((entry, .file, source))
  }

  func visitLink(_ entry: TreeReader.Entry, target: [UInt8]) throws {
    try commit((entry, .link(target), .bytes([])))
  }

  func enterFolder(_ entry: TreeReader.Entry) {
    waiting.append(entry)
  }

  func leaveFolder(_ entry: TreeReader.Entry) throws {
    guard waiting.last?.path == entry.path else { return }
    try commit(nil)
    // Its key was too long: what comes behind it must not wait for it.
    if waiting.last?.path == entry.path { waiting.removeLast() }
  }

  func skip(_ entry: TreeReader.Entry) {
    tell("\(Text.visible(entry.path)) is a device, a pipe or a socket: left out")
  }

  func fail(_ failure: SystemFailure) {
    unreadableCount += 1
    tell(Failure(failure).message)
  }

  /// Stores the folders that wait, and a file or link behind them, in one commit; then prints their keys.
  private func commit(
    _ item: (entry: TreeReader.Entry, kind: FileMetadata.Kind, source: ObjectSource)?
  ) throws {
    var keys: [ObjectKey] = []
    do {
      try store.change(in: nil) { transaction in
        let bucket = try volume.bucket(target.bucket, in: transaction)
        for folder in waiting {
          let key = key(folder.path + [UInt8(ascii: "/")])
          try bucket.put(key, [UInt8](), FileMetadata(.folder, folder.status).options)
          keys.append(key)
        }
        if let item {
          let key = key(item.entry.path)
          try item.source.put(key, in: bucket, FileMetadata(item.kind, item.entry.status).options)
          keys.append(key)
        }
      }
    } catch StorageError.invalidKey(let byteCount, let limit) {
      refusedCount += 1
      let path = Text.visible(item?.entry.path ?? waiting.last?.path ?? [])
      return tell("\(path) would be a key of \(byteCount) bytes; at most \(limit) are allowed: left out")
    }
    waiting = []
    // Keys on the terminal that shows the bar begin on a clean line.
    if output.isTerminal { progress.clear() }
    for key in keys { try output.line(name: key.bytes) }
    try output.flush()
  }

  private func key(_ path: [UInt8]) -> ObjectKey {
    ObjectKey(target.folder + path)
  }

  private func tell(_ text: String) {
    progress.clear()
    StandardError.line("cairn: " + text)
  }
}
