internal import CairnBlocks
internal import CairnObjects

/// Writes objects into a folder, each as what it was: a file, a link, a folder.
final class TreeExporter {
  private let writer: TreeWriter
  private let prefixCount: Int
  private let progress: ProgressBar
  private var refusedCount = 0

  /// An exporter that cuts the first `prefixCount` bytes of each key.
  init(into writer: TreeWriter, cutting prefixCount: Int, progress: ProgressBar) {
    self.writer = writer
    self.prefixCount = prefixCount
    self.progress = progress
  }

  /// What was refused, as a failure of the whole; nil when nothing was.
  var failure: Failure? {
    refusedCount == 0 ? nil : Failure("\(refusedCount) keys were not written", .refused)
  }

  /// Writes an object.
  func export(_ reader: ObjectReader) throws {
    let key = reader.info.key
    do {
      try write(reader, key.bytes.dropFirst(prefixCount))
    } catch let reason as UnsafeKey {
      refusedCount += 1
      progress.clear()
      StandardError.line("cairn: key '\(Text.visible(key.bytes))' is not written: \(reason.text)")
    }
  }

  /// Finishes the folders.
  func finish() throws {
    try writer.finish()
  }

  private func write(_ reader: ObjectReader, _ name: ArraySlice<UInt8>) throws {
    let metadata = FileMetadata(reader.info.metadata, of: reader.info.key)
    let attributes = TreeWriter.Attributes(permissions: metadata.permissions, modified: metadata.modified)
    switch metadata.kind {
    case .folder:
      // The folder that is exported itself has no name below it.
      if name.isEmpty { return }
      try writer.makeFolder(TreeWriter.parts(of: name.dropLast()), attributes)
    case .link(let target):
      try writer.makeLink(TreeWriter.parts(of: name), to: target, attributes)
    case .file:
      try writer.writeFile(TreeWriter.parts(of: name), attributes) { file in
        var pieces = ObjectPieces(reader)
        while let piece = try pieces.next() {
          try file.write(piece)
          progress.advance(by: UInt64(piece.count))
        }
      }
    }
  }
}
