// Passes names to the system's calls as the bytes that they are (WasiText), ended by a zero. A name that stands for no bytes is an ArgumentException, never another name.
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Tarn.Wasi.Host;

[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(ManagedToUnmanagedIn))]
internal static unsafe class PathMarshaller
{
    public ref struct ManagedToUnmanagedIn
    {
        private byte* _bytes;
        private bool _allocated;

        public static int BufferSize => 256;

        public void FromManaged(string? text, Span<byte> buffer)
        {
            ArgumentNullException.ThrowIfNull(text);
            int most = WasiText.MaximumByteCount(text) + 1;
            Span<byte> room = buffer;
            if (most > buffer.Length)
            {
                _bytes = (byte*)NativeMemory.Alloc((nuint)most);
                _allocated = true;
                room = new Span<byte>(_bytes, most);
            }
            else
            {
                // The buffer is on the stack.
                _bytes = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
            }
            if (!WasiText.TryWrite(text, room, out int written))
            {
                Free();
                throw new ArgumentException($"The name \"{WasiText.Display(text)}\" holds half of a surrogate pair.", nameof(text));
            }
            room[written] = 0;
        }

        public readonly byte* ToUnmanaged() => _bytes;

        public void Free()
        {
            if (_allocated)
                NativeMemory.Free(_bytes);
            _allocated = false;
        }
    }
}
