public import CairnBlocks
import CairnDisks
import CairnMaps
import CairnMemory
import CairnObjects
import CairnTables
public import CairnVolumes
import Foundation

extension Store {
  /// The filesystems that come with Cairn. A program that opens a store with its own puts them beside.
  public static var standardFilesystems: [any Filesystem] {
    [ObjectFilesystem(), DiskFilesystem(), MapFilesystem(), TableFilesystem()]
  }

  /// Bytes that a store begins with when it is made without a size.
  private static let startByteCount: UInt64 = 64 << 20

  /// Opens the store in a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - createIfMissing: makes a store when there is no such file.
  ///   - isReadOnly: not a byte of the file changes. Others may read it meanwhile, and nobody writes.
  ///   - principal: who the store acts as; nil: the owner.
  ///   - filesystems: kinds of volumes beside the standard ones.
  /// - Throws: `memory(.inUse)` with the holder's name when somebody else has it open.
  public static func open(
    _ path: String, createIfMissing: Bool = false, isReadOnly: Bool = false, as principal: Principal? = nil,
    filesystems: [any Filesystem] = []
  ) throws(StorageError) -> Store {
    let memory: FileMemory
    do throws(MemoryError) {
      memory = try FileMemory.open(path: path, mode: isReadOnly ? .readOnly : .readWrite)
    } catch {
      if case .notFound = error, createIfMissing, !isReadOnly {
        return try create(path, as: principal, filesystems: filesystems)
      }
      throw .memory(error)
    }
    var options = options(memory, principal, filesystems)
    options.device.isReadOnly = isReadOnly
    do {
      return try open(on: memory, options: options)
    } catch {
      memory.close()
      throw error
    }
  }

  /// Makes a store in a new file, with the volume `objects` for buckets.
  ///
  /// - Parameters:
  ///   - path: the file, which must not be there yet.
  ///   - byteCount: its size, which is taken at once and which it keeps; nil: it begins with 64 MiB and grows by itself.
  ///   - isZeroFilled: writes the file full of zeros first, which takes as long as writing so many bytes; commits and large
  ///     objects are faster from then on, because no flush has to mark space as used.
  ///   - format: how the image is laid out.
  ///   - principal: who the store acts as once it is made; nil: the owner.
  ///   - filesystems: kinds of volumes beside the standard ones.
  public static func create(
    _ path: String, size byteCount: UInt64? = nil, isZeroFilled: Bool = false,
    format: FormatOptions = FormatOptions(), as principal: Principal? = nil, filesystems: [any Filesystem] = []
  ) throws(StorageError) -> Store {
    let memory: FileMemory
    do throws(MemoryError) {
      memory = try FileMemory.create(path: path, byteCount: byteCount ?? startByteCount, isZeroFilled: isZeroFilled)
    } catch {
      throw .memory(error)
    }
    var format = format
    if byteCount == nil { format.growsByItself = true }
    do {
      let store = try create(on: memory, format: format, options: options(memory, nil, filesystems))
      try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      return store.acting(as: principal)
    } catch {
      // The file is ours and useless: it goes, so that trying again works.
      memory.close()
      try? FileManager.default.removeItem(atPath: path)
      throw error
    }
  }

  private static func options(
    _ memory: FileMemory, _ principal: Principal?, _ filesystems: [any Filesystem]
  ) -> StoreOptions {
    var options = StoreOptions(filesystems: standardFilesystems + filesystems)
    options.principal = principal
    options.whenClosed = { memory.close() }
    return options
  }
}
