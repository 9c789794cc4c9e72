/// Makes a failing case smaller while it still fails.
struct Shrinker {
  let suite: any Suite
  /// Cases that may be tried.
  var budget = 500

  /// The smallest failing case that was found, beginning with one that fails.
  func shrink(_ failure: CaseFailure) -> CaseFailure {
    var smallest = failure
    var left = budget
    search: while left > 0 {
      for candidate in suite.shorter(smallest.replay) where left > 0 {
        left -= 1
        do { try suite.replay(candidate) } catch let found as CaseFailure {
          smallest = found
          continue search
        } catch {
          // A candidate that makes no sense: the next one.
        }
      }
      break
    }
    return smallest
  }
}
