internal import CairnBlocks
internal import CairnMemory
internal import Glibc

/// Makes an image file, all of it or none.
enum NewImage {
  /// Makes the file, which must not be there, and lets `fill` write the image into it. If that fails the file goes again.
  static func make<Result>(
    at path: Path, byteCount: UInt64, isZeroFilled: Bool = false, _ fill: (FileMemory) throws -> Result
  ) throws -> Result {
    let name = try path.string
    let memory: FileMemory
    do throws(MemoryError) {
      memory = try FileMemory.create(path: name, byteCount: byteCount, isZeroFilled: isZeroFilled)
    } catch {
      throw Failure(.memory(error), image: path)
    }
    defer { memory.close() }
    do {
      return try fill(memory)
    } catch {
      Folder.removeFile(path)
      throw (error as? StorageError).map { Failure($0, image: path) } ?? error
    }
  }
}

extension NewImage {
  /// Makes the file under a name of its own and gives it the right one at the end, so that an image that was not finished is
  /// never taken for one.
  static func makeWhole<Result>(
    at path: Path, byteCount: UInt64, _ fill: (FileMemory) throws -> Result
  ) throws -> Result {
    guard (try? Descriptor.open(path, O_RDONLY)) == nil else {
      throw Failure(.memory(.alreadyExists(path: path.text)), image: path)
    }
    let unfinished = Path(path.bytes + Array(".part".utf8))
    let result = try make(at: unfinished, byteCount: byteCount, fill)
    try Folder.rename(unfinished, toNew: path)
    return result
  }
}
